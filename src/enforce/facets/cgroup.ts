/**
 * The `cpu` and `memory` facets: the limits of a workload's own cgroup, in whichever layout this host has its controllers
 * (cgroups v1: kernel docs admin-guide/cgroup-v1; v2: admin-guide/cgroup-v2). Limits are written; no process is moved.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { Cpu, MemoryWish } from '../../model/facets/limits.ts'
import type { FacetPart, Place } from '../facet.ts'
import { runStep, type Step } from '../step.ts'

/** File → text, in the order in which they are written. */
export type LimitState = Readonly<Record<string, string>>

const PERIOD_US = 100_000
/** `max` in v2; v1 rounds this down to what it can count. */
const V1_FILES = {
  cpu: ['cpu/', 'cpu.cfs_period_us', 'cpu.cfs_quota_us', 'cpu.shares'],
  memory: ['memory/', 'memory.limit_in_bytes'],
} as const
const V2_FILES = { cpu: ['cpu.max', 'cpu.weight'], memory: ['memory.max'] } as const
const ROOTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'] as const

type Controller = 'cpu' | 'memory'

export const cpu: FacetPart<Cpu, LimitState> = {
  ...partFor<Cpu>('cpu', (original, { cores, weight }) => {
    const quotaUs = cores === undefined ? null : Math.max(1_000, Math.round(cores * PERIOD_US))
    const wanted: Record<string, string> = {}
    for (const [path, text] of Object.entries(original)) {
      const name = path.slice(path.lastIndexOf('/') + 1)
      const said: Record<string, string | null> = {
        'cpu.max': quotaUs === null ? null : `${quotaUs} ${PERIOD_US}`,
        'cpu.weight': weight === undefined ? null : String(weight),
        'cpu.cfs_period_us': quotaUs === null ? null : String(PERIOD_US),
        'cpu.cfs_quota_us': quotaUs === null ? null : String(quotaUs),
        // 100 is the usual weight in v2, 1024 the usual shares in v1.
        'cpu.shares': weight === undefined ? null : String(Math.max(2, Math.round((weight * 1_024) / 100))),
      }
      wanted[path] = said[name] ?? text
    }
    return wanted
  }),
}

export const memory: FacetPart<MemoryWish, LimitState> = partFor('memory', (original, { maxBytes }) =>
  Object.fromEntries(Object.keys(original).map((path) => [path, String(maxBytes)])),
)

function partFor<Wish>(
  facet: Controller,
  wanted: (original: LimitState, wish: Wish) => LimitState,
): FacetPart<Wish, LimitState> {
  const capture = async (place: Place): Promise<LimitState> =>
    Object.fromEntries(filesOf(facet, place).map((path) => [path, readFileSync(path, 'utf8').trim()]))
  return {
    facet,
    noticed: 'look',
    refusal: (place) => refusal(facet, place),
    capture,
    wanted: (_, original, wish) => wanted(original, wish),
    async converge(place, state) {
      const found = await capture(place)
      await runStep(stepTo(found, state))
    },
    normalise: (state) => JSON.stringify(Object.entries(state).sort()),
    undo: (_, from, to) => [{ ...stepTo(to, from), lenient: true }],
  }
}

function refusal(facet: Controller, { cgroup }: Place): string | null {
  if (cgroup === null || cgroup === '/')
    return 'its programs have no cgroup of their own here; start them in one and name it in places.json'
  if (rootOf(facet, cgroup) !== null) return null
  return existsSync(ROOTS[0])
    ? `there is no ${facet} controller for the cgroup ${cgroup} on this host`
    : 'this host has no cgroups at /sys/fs/cgroup'
}

type Layout = { readonly folder: string; readonly files: readonly string[] }

function rootOf(facet: Controller, cgroup: string): Layout | null {
  const [controller, ...v1] = V1_FILES[facet]
  const old = `${ROOTS[0]}/${controller}${cgroup.slice(1)}`
  if (existsSync(`${old}/${v1[0]}`)) return { folder: old, files: v1 }
  for (const root of ROOTS) {
    const folder = `${root}${cgroup}`
    if (existsSync(`${folder}/${V2_FILES[facet][0]}`)) return { folder, files: V2_FILES[facet] }
  }
  return null
}

function filesOf(facet: Controller, { key, cgroup }: Place): string[] {
  const layout = cgroup === null ? null : rootOf(facet, cgroup)
  if (layout === null) throw new Error(`${key} has no cgroup with a ${facet} controller here`)
  return layout.files.map((name) => `${layout.folder}/${name}`)
}

function stepTo(from: LimitState, to: LimitState): Extract<Step, { run: 'cgroup' }> {
  return { run: 'cgroup', writes: Object.entries(to).filter(([path, text]) => from[path] !== text) }
}
