/** The gate before a learnt allow-list: stored conversations of one workload, or of all of one persona, in; the verdict out. */
import { isHome, type NameOf, ruleOf } from '../learn/gate/rule-of.ts'
import { estimateUnseen, type Occasion, STEP_MS } from '../learn/gate/unseen.ts'
import { judgeGate } from '../learn/gate/verdict.ts'
import { canonicalText } from '../model/address.ts'
import { DEFAULT_PERSONA } from '../model/belief.ts'
import type { GateReport } from '../model/gate.ts'
import { slug, type WorkloadId } from '../model/ids.ts'
import type { ConversationStep, WorkloadRecord } from '../model/records.ts'
import { knownAs } from './persona-document.ts'

/** What is asked about: will it hold tomorrow. */
const HORIZON_MS = 86_400_000
/** Read at once; of more the newest are taken, and the span is that of them. */
export const MAX_STEPS = 100_000

export type GateInputs = {
  readonly of: GateReport['of']
  readonly members: readonly WorkloadRecord[]
  /** Of every workload: who peers are. */
  readonly all: readonly WorkloadRecord[]
  /** Newest first, at most `MAX_STEPS`. */
  readonly steps: readonly ConversationStep[]
  /** Strangers a workload turned to: each network by itself, or all as one where the rules say "the outside". */
  readonly outside: 'networks' | 'one'
  readonly since: number
  readonly now: number
  readonly bar: number
}

export function gateReport({ of, members, all, steps, outside, since, now, bar }: GateInputs): GateReport {
  const nameOf = peerNames(all, outside)
  // Of the oldest step that was read there may be more.
  const from = steps.length < MAX_STEPS ? since : steps.at(-1)!.start + steps.at(-1)!.spanMs
  const until = Math.min(now, Math.max(0, ...members.map(({ lastSeen }) => lastSeen)) + STEP_MS)
  const uses = new Map<WorkloadId, Map<string, Occasion>>()
  for (const step of steps) {
    const rule = ruleOf(step, nameOf)
    if (rule === null) continue
    const own = uses.get(step.workload) ?? new Map<string, Occasion>()
    uses.set(step.workload, own)
    // Several peers may be behind one rule, and an hour has twelve steps: a rule is used once in each of them.
    const key = `${step.start} ${step.spanMs} ${rule}`
    const weight = Math.min(step.spanMs / STEP_MS, (own.get(key)?.weight ?? 0) + step.steps)
    own.set(key, { rule, at: step.start, weight })
  }
  const judge = (occasions: readonly Occasion[]) =>
    judgeGate(estimateUnseen(occasions, { from, until, horizonMs: HORIZON_MS }), bar)
  const occasionsOf = ({ id }: WorkloadRecord) => [...(uses.get(id)?.values() ?? [])]
  const workloads = members.map((one) => ({ id: one.id, name: one.report.name, ...judge(occasionsOf(one)) }))
  workloads.sort((a, b) => b.unseen.high - a.unseen.high || a.name.localeCompare(b.name))
  return { of, from, until, ...judge(members.flatMap(occasionsOf)), workloads: of.kind === 'Persona' ? workloads : [] }
}

/** Who is known by a persona: assigned to it, or believed to be what it is recognised by. */
export function membersOf(
  persona: { readonly id: string; readonly recognisedAs: string | null },
  all: readonly WorkloadRecord[],
): WorkloadRecord[] {
  return all.filter((workload) => {
    const { name, basis } = knownAs(workload)
    return slug(name) === persona.id || (basis === 'inferred' && name === persona.recognisedAs)
  })
}

/** A peer of ours by its persona, for that is what a policy would name; by its own name while it has none. */
function peerNames(all: readonly WorkloadRecord[], outside: GateInputs['outside']): NameOf {
  const names = new Map(
    all.flatMap((workload) => {
      const { name } = knownAs(workload)
      const who = name === DEFAULT_PERSONA ? `workload ${workload.report.name}` : `persona ${name}`
      return workload.report.addresses.map((address) => [canonicalText(address.split('/')[0]!), who] as const)
    }),
  )
  return (address) => names.get(address) ?? (outside === 'one' && !isHome(address) ? 'the outside' : null)
}
