/**
 * What automation may do by itself, in one table: what each mode lets happen, how much may change at once, and how many people
 * a change needs. In: what a plan would change. Out: its class with the row that gave it, or the cap it would break.
 */

import type { MachineAct } from '../model/machine-order.ts'
import type { ApprovalClass } from '../model/plan.ts'
import type { Mode } from '../model/policy.ts'
import type { Settings } from '../model/records.ts'
import { someOf } from '../model/some-of.ts'
import type { Why } from '../model/why.ts'

/** Per agent and per policy; the stricter of the two holds. */
export const MODE_ROWS = {
  off: { acts: false, says: false, words: 'nothing of ours is in the kernel' },
  observe: { acts: false, says: true, words: 'what would be denied is counted' },
  suggest: { acts: false, says: true, words: 'what would be done is said' },
  enforce: { acts: true, says: true, words: 'plans are applied' },
} as const satisfies Record<Mode, { readonly acts: boolean; readonly says: boolean; readonly words: string }>

export const mayAct = (mode: Mode): boolean => MODE_ROWS[mode].acts

/** Small fleets: a share of a handful of workloads would be none. */
const LEAST_SHARE = 5
export const DEFAULT_SHARE = 0.25

type Cap = {
  readonly rule: string
  readonly words: (settings: Settings, fleet: number) => string
  readonly most: (settings: Settings, fleet: number) => number
}
/** How many workloads automation may change within a minute. Above any of them it only suggests, until a person resumes it. */
export const CAP_ROWS: readonly Cap[] = [
  {
    rule: 'cap/changes-per-minute',
    words: (settings) => `${settings.maxChangesPerMinute} workloads a minute`,
    most: (settings) => settings.maxChangesPerMinute,
  },
  {
    rule: 'cap/share-of-fleet',
    words: (settings, fleet) => `${Math.round(shareOf(settings) * 100)} % of ${fleet} workloads within a minute`,
    most: (settings, fleet) => Math.max(LEAST_SHARE, Math.ceil(shareOf(settings) * fleet)),
  },
]
const shareOf = (settings: Settings) => settings.maxShareOfFleet ?? DEFAULT_SHARE

/** The first cap that `wanted` more changes would break; null when there is room. */
export function capBroken(settings: Settings, fleet: number, wanted: number, recent: number): Why | null {
  if (wanted === 0) return null
  const cap = CAP_ROWS.find((one) => wanted + recent > one.most(settings, fleet))
  if (cap === undefined) return null
  const text = `automation would change ${wanted} workloads now and changed ${recent} in the last minute, above the cap of ${cap.words(settings, fleet)}: it only suggests until a person resumes it`
  return { rule: cap.rule, text }
}

/** What decides how many people a change needs. Names are those people know. */
export type Change = {
  readonly isContainment: boolean
  /** Workloads known; those that wore something before and would wear something else. */
  readonly fleet: number
  readonly moved: number
  /** Recent conversations it would cut. */
  readonly cut: number
  readonly failSafeGone: readonly string[]
  /** Workloads whose reach rests on a trusted belief, by what the policy asks for. */
  readonly trusted: Readonly<Record<ApprovalClass, readonly string[]>>
  /** Workloads that nobody asked to be let reach more. */
  readonly widenedByItself: () => readonly string[]
  readonly widened: () => number
  /** Machines that would be switched off. */
  readonly switchedOff: readonly string[]
}

type Row = {
  readonly rule: string
  readonly approval: ApprovalClass
  /** Of the row itself. */
  readonly words: string
  /** null: the row is not about this change. */
  readonly because: (change: Change) => string | null
}
const some = (names: readonly string[], words: (names: string) => string) =>
  names.length === 0 ? null : words(someOf(names, 3))

/** The first row that is about a change gives its class: those that need most people stand first. */
export const APPROVAL_ROWS: readonly Row[] = [
  {
    rule: 'approval/fail-safe',
    approval: 'two',
    words: 'a fail-safe path is taken away',
    because: ({ failSafeGone }) =>
      some(failSafeGone, (names) => `two people: it takes the fail-safe path ${names} away`),
  },
  {
    rule: 'approval/trusts-belief',
    approval: 'two',
    words: 'a belief grants reach, and its policy asks for two',
    because: ({ trusted }) =>
      some(trusted.two, (names) => `two people: a belief grants reach to ${names}, and its policy asks for two`),
  },
  {
    rule: 'approval/half-the-fleet',
    approval: 'two',
    words: 'talk is cut on more than half of a fleet of 20 or more',
    because: ({ fleet, moved, cut }) =>
      cut > 0 && fleet >= 20 && moved > fleet / 2 ? `two people: it cuts talk on more than half of the fleet` : null,
  },
  {
    rule: 'approval/trusts-belief',
    approval: 'one',
    words: 'a belief grants reach, and its policy asks for one',
    because: ({ trusted }) =>
      some(trusted.one, (names) => `one person: a belief grants reach to ${names}, and its policy asks for one`),
  },
  {
    rule: 'approval/switches-off',
    approval: 'one',
    words: 'a machine is switched off',
    because: ({ switchedOff }) =>
      some(switchedOff, (names) => `one person: it switches ${names} off, and what is only in memory there is lost`),
  },
  {
    rule: 'approval/widens-by-itself',
    approval: 'one',
    words: 'automation would let a workload reach more, and nobody asked for that',
    because: ({ isContainment, widenedByItself }) =>
      isContainment
        ? null
        : some(
            widenedByItself(),
            (names) => `one person: automation would let ${names} reach more, and nobody asked for that`,
          ),
  },
  {
    rule: 'approval/quarter-of-fleet',
    approval: 'one',
    words: 'talk is cut on more than 10 workloads and a quarter of the fleet',
    because: ({ fleet, moved, cut }) =>
      cut > 0 && moved > Math.max(10, fleet / 4)
        ? 'one person: it cuts talk on more than 10 workloads and a quarter of the fleet'
        : null,
  },
  {
    rule: 'approval/widens-many',
    approval: 'one',
    words: 'more than half of a fleet of 20 or more reaches more',
    because: ({ fleet, moved, widened }) =>
      fleet >= 20 && moved > fleet / 2 && widened() > fleet / 2
        ? 'one person: it lets more than half of the fleet reach more'
        : null,
  },
  {
    rule: 'approval/containment',
    approval: 'auto',
    words: 'reach is only taken away, and comes back by itself',
    because: ({ isContainment }) => (isContainment ? 'nobody: it only takes reach away, and ends by itself' : null),
  },
  {
    rule: 'approval/small',
    approval: 'auto',
    words: 'everything else: small, or asked for by a person',
    because: () => 'nobody: it only takes reach away, or cuts little',
  },
]

export function approvalOf(change: Change): { readonly approval: ApprovalClass; readonly why: Why } {
  for (const { rule, approval, because } of APPROVAL_ROWS) {
    const text = because(change)
    if (text !== null) return { approval, why: { rule, text } }
  }
  throw new Error('judging a change: the last row of the table is about every change')
}

/** Orders about machines, outside of plans, by the same table: what is lost by one does not come back by another. Whoever keeps them counts one approver, no more. */
export const APPROVAL_OF_ACT = {
  start: 'auto',
  clone: 'auto',
  resize: 'auto',
  stop: 'one',
  destroy: 'one',
} as const satisfies Record<MachineAct['do'], 'auto' | 'one'>

/** Of a change of which only the size is known. */
export function approvalFor(fleet: number, moved: number, cut: number): ApprovalClass {
  const unknown = {
    failSafeGone: [],
    trusted: { auto: [], one: [], two: [] },
    widenedByItself: () => [],
    widened: () => 0,
    switchedOff: [],
  }
  return approvalOf({ isContainment: false, fleet, moved, cut, ...unknown }).approval
}
