/**
 * Which points a change passes, its roll-back, and the ways back after a death: found by letting each happen once with every
 * point written down (`fault.ts`). Out: a trial for each point, its victim the process that passes it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Ground, wear } from './ground.ts'
import type { Variant } from './persona.ts'
import { attempt, type Trial } from './trial.ts'

/** A way through the enforcer. `first` is the death that leads into it. */
type Way = {
  readonly name: string
  readonly first: string | null
  readonly ending: Trial['ending']
  /** Points of it that no way before it has: from this one on. */
  readonly since: string
}

/** All of a change is done and nothing is confirmed: the longest way back. */
const DONE = 'source-switched'

const WAYS: readonly Way[] = [
  { name: 'change', first: null, ending: 'confirm', since: 'worker:before-intent' },
  { name: 'roll-back', first: null, ending: 'rollback', since: 'worker:revert-begun' },
  { name: 'recovery', first: `supervisor:${DONE}`, ending: 'confirm', since: `worker:${DONE}` },
  { name: 'undo', first: `worker:${DONE}`, ending: 'confirm', since: `worker:${DONE}` },
  { name: 'recovery of what was confirmed', first: 'worker:committed', ending: 'confirm', since: 'worker:committed' },
]

export type Named = Trial & { readonly name: string; readonly way: string }

/** `mixed`: what is said of a way that leads to neither state when nobody disturbs it. */
export async function discover(ground: Ground, to: Variant, mixed: string[]): Promise<Named[]> {
  const passed = `${ground.range.faults}.passed`
  const found: Named[] = []
  for (const { name, first, ending, since } of WAYS) {
    const from: Variant = to === 0 ? 1 : 0
    if (ground.wears !== from) await wear(ground, from)
    writeFileSync(passed, '')
    const faults = first === null ? [] : [first]
    // A fault that nobody can pass: the change goes its way undisturbed.
    const { wears, difference } = await attempt(ground, {
      faults: first === null ? ['nobody:nothing'] : faults,
      victim: first?.startsWith('supervisor') === true ? 'supervisor' : 'worker',
      to,
      ending,
    })
    const points = readFileSync(passed, 'utf8').trim().split('\n')
    rmSync(passed)
    if (wears === null) mixed.push(`${name} to ${to}: ${difference}`)
    const begin = points.indexOf(since)
    if (begin < 0) throw new Error(`${name} to ${to} never passed ${since}`)
    for (const point of momentsOf(points.slice(first === null ? begin : begin + 1))) {
      const [victim] = point.split(':') as ['worker' | 'supervisor']
      const isDouble = first?.startsWith('supervisor') === true
      found.push({
        name: `${name} to ${to}: ${point}`,
        way: name,
        faults: [...faults, point],
        victim: victim === 'supervisor' || isDouble ? 'supervisor' : 'worker',
        to,
        ending,
      })
    }
  }
  return found
}

/** Behind one effect and before the next nothing changes on the host: two names, one moment, one death. */
function momentsOf(points: readonly string[]): Set<string> {
  const roleOf = (point: string) => point.split(':')[0]
  return new Set(
    points.filter((point, i) => {
      const next = points[i + 1] ?? ''
      return !(point.endsWith('/after') && next.endsWith('/before') && roleOf(point) === roleOf(next))
    }),
  )
}

/** The same death with the supervisor dying of it as well, of every `nth` of the worker's. */
export function alsoSupervisor(trials: readonly Named[], nth: number): Named[] {
  return trials
    .filter(({ way }) => way === 'change' || way === 'roll-back')
    .filter((_, i) => i % nth === 0)
    .map((trial) => ({
      ...trial,
      name: `${trial.name} (supervisor)`,
      faults: trial.faults.map((line) => line.replace(/^worker:/, 'supervisor:')),
      victim: 'supervisor',
    }))
}
