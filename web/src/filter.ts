/**
 * What can be asked of workloads, wherever they are listed: words match names, addresses and labels; `persona:Database`,
 * `wears:"Web User"`, `label:app=shop`, `host:rack1`, `kind:namespace`, `risk>0.4`, `abstains`, `contained`.
 */
import type { Grammar } from './grammar.ts'
import type { WorkloadRecord } from './nouns.ts'

/** `hostOf` tells the host of its agent. */
export function workloadGrammar(hostOf: (w: WorkloadRecord) => string): Grammar<WorkloadRecord> {
  return {
    words: (w) => [
      w.report.name,
      w.report.key,
      hostOf(w),
      ...w.report.addresses,
      ...labels(w),
      ...(w.worn === null ? [] : [w.worn.name]),
    ],
    fields: {
      persona: (w) => [w.belief?.believed ?? w.belief?.personas[0]?.persona ?? 'unknown'],
      wears: (w) => (w.worn === null ? [] : [w.worn.name]),
      label: labels,
      host: (w) => [hostOf(w)],
      kind: (w) => [w.report.kind],
      address: (w) => w.report.addresses,
      evidence: (w) => (w.risk?.terms ?? []).flatMap((t) => [t.evidence.kind, t.evidence.peer ?? '']),
    },
    numbers: { risk: (w) => w.risk?.value ?? null },
    flags: {
      abstains: (w) => w.belief === null || w.belief.believed === null,
      contained: (w) => w.containedUntil !== null,
      unassigned: (w) => w.assigned === null,
    },
  }
}

function labels(w: WorkloadRecord): string[] {
  return Object.entries(w.report.labels).map(([k, v]) => `${k}=${v}`)
}
