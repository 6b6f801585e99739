/**
 * The texts of a state. What a machine goes by (keys, ids, names of sets, personas and policies) is made of plain characters
 * and is no name that an object is born with; what only people read is free of what would move a terminal's cursor or turn
 * the reading direction. The schema bounds lengths; this bounds what stands in them.
 */
import type { AgentState, DesiredState, RuleList } from '../model/desired.ts'

/** Where in the message, as a JSON pointer (RFC 6901), and what is wrong there. */
export type Fault = { readonly pointer: string; readonly reason: string }

const ID = /^[A-Za-z0-9_.:-]{1,64}$/
const KEY = /^[A-Za-z0-9_](?:[A-Za-z0-9_.:@/-]{0,127})$/
/** What `encodeId` of the compiler takes as it is. */
const RULE = /^[A-Za-z0-9_.,:/()@+=~ -]{1,160}$/
const PERSONA = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/
// C0 but tab and line feed, DEL, C1, line and paragraph separators, bidi controls (CVE-2021-42574).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

/** `known` are keys of this host's own inventory: they may be written as their owner likes. */
export function wordFault(state: AgentState, known: ReadonlySet<string>): Fault | null {
  const { system } = state.generation
  const head =
    plain('/generation/system', system, ID) ??
    plain('/plan', state.plan, ID) ??
    first(state.sets, (set, i) => plain(`/sets/${i}/name`, set.name, ID)) ??
    first(state.failSafe, (path, i) => whyFault(`/failSafe/${i}/why`, path.why))
  if (head !== null) return head
  /** Rule lists are often the same thousands of times over: one look each. */
  const looked = new Set<string>()
  return first(state.workloads, (workload, i) => workloadFault(`/workloads/${i}`, workload, known, looked))
}

function workloadFault(
  at: string,
  workload: DesiredState,
  known: ReadonlySet<string>,
  looked: Set<string>,
): Fault | null {
  const { key, persona, containment } = workload
  const keyFault =
    known.has(key) && !isBorn(key)
      ? null
      : (plain(`${at}/key`, key, KEY) ??
        (key.includes('..') ? { pointer: `${at}/key`, reason: `${shown(key)} leads out of its folder` } : null))
  return (
    keyFault ??
    plain(`${at}/workload`, workload.workload, ID) ??
    plain(`${at}/persona/id`, persona.id, ID) ??
    plain(`${at}/persona/name`, persona.name, PERSONA) ??
    (containment === null ? null : whyFault(`${at}/containment/why`, containment.why)) ??
    listFault(`${at}/egress`, workload.egress, looked) ??
    listFault(`${at}/ingress`, workload.ingress, looked)
  )
}

function listFault(at: string, list: RuleList, looked: Set<string>): Fault | null {
  const text = JSON.stringify(list)
  if (looked.has(text)) return null
  const fault =
    whyFault(`${at}/why`, list.why) ?? first(list.rules, ({ why }, i) => whyFault(`${at}/rules/${i}/why`, why))
  if (fault === null) looked.add(text)
  return fault
}

function whyFault(at: string, why: RuleList['why']): Fault | null {
  return (
    plain(`${at}/rule`, why.rule, RULE) ??
    (UNSAFE.test(why.text)
      ? { pointer: `${at}/text`, reason: 'it holds control characters, which could move a terminal or hide text' }
      : null) ??
    (why.policy === undefined ? null : plain(`${at}/policy`, why.policy, RULE)) ??
    (why.persona === undefined ? null : plain(`${at}/persona`, why.persona, PERSONA))
  )
}

function plain(pointer: string, text: string, pattern: RegExp): Fault | null {
  if (!pattern.test(text)) return { pointer, reason: `${shown(text)} has characters that no name here may have` }
  return isBorn(text) ? { pointer, reason: `${shown(text)} is a name that every object is born with` } : null
}

/** `__proto__`, `constructor`, `toString`: as keys of a record they would find what nobody put there. */
function isBorn(text: string): boolean {
  return text in {} || text === 'prototype'
}

/** JSON escapes what could act on a terminal, but for C1 and bidi controls. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60)).replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (hidden) => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function first<T>(items: readonly T[], look: (item: T, i: number) => Fault | null): Fault | null {
  for (let i = 0; i < items.length; i++) {
    const fault = look(items[i]!, i)
    if (fault !== null) return fault
  }
  return null
}
