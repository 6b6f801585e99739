/** A `Snapshot` and a host in any condition come in; the host is that snapshot afterwards. Recovery, repair and panic are this. */

import { fullText, removeText } from '../compile/delta.ts'
import { createDnsDriver, dnsStep } from './dns.ts'
import { createNetworkDriver, finishLines, keepSecondaries, prepareLines, switchLines, undoSteps } from './network.ts'
import { convergeTable } from './nft.ts'
import { compileSnapshot, type Snapshot } from './snapshot.ts'
import { runStep, type Step } from './step.ts'

/** `also` names facets another snapshot may have touched on the way. Answers what could not be reached (a namespace that is gone). */
export async function converge(wanted: Snapshot, also: Snapshot | null = null, now = Date.now()): Promise<string[]> {
  const unreachable: string[] = []
  const attempt = async (key: string, act: () => Promise<void>) =>
    act().catch((error: Error) => void unreachable.push(`${key}: ${error.message}`))
  for (const [key, placed] of Object.entries({ ...originals(also?.network), ...wanted.network }))
    await attempt(key, () => createNetworkDriver(placed.namespace, placed.face).converge(placed.state))
  for (const [key, placed] of Object.entries({ ...originals(also?.dns), ...wanted.dns }))
    await attempt(key, () => createDnsDriver(placed.namespace).converge(placed.state))
  await convergeTable(compileSnapshot(wanted), now)
  return unreachable
}

function originals<T extends { readonly state: unknown; readonly original: unknown }>(
  placed: Readonly<Record<string, T>> | undefined,
) {
  return Object.fromEntries(
    Object.entries(placed ?? {}).map(([key, one]) => [key, { ...one, state: one.original } as T]),
  )
}

/** How a process that cannot compile gets from `after`, or from anywhere on the way to it, back to `before`. */
export function undoFor(before: Snapshot, after: Snapshot, now: number): Step[] {
  const compiled = compileSnapshot(before)
  const steps: Step[] = []
  for (const [key, to] of Object.entries(after.network)) {
    const from = before.network[key]?.state ?? to.original
    if (changed(from, to.state)) steps.push(...undoSteps(to.namespace, from, to.state))
  }
  for (const [key, to] of Object.entries(after.dns)) {
    const from = before.dns[key] === undefined ? to.original : before.dns[key].state
    if (changed(from, to.state)) steps.push(dnsStep(to.namespace, from))
  }
  steps.push({ run: 'nft', text: compiled === null ? removeText() : fullText(compiled, { pendingMs: null, now }) })
  return steps
}

/** Switched facets one stage at a time, for a change that must not lose a packet; `converge` is for when that is past. */
export async function stage(which: 'prepare' | 'switch' | 'finish', before: Snapshot, after: Snapshot): Promise<void> {
  for (const [key, to] of Object.entries(after.network)) {
    const from = before.network[key]?.state ?? to.original
    if (!changed(from, to.state)) continue
    if (which === 'prepare') await keepSecondaries(to.namespace)
    const batches =
      which === 'prepare'
        ? prepareLines(to.namespace, from, to.state)
        : which === 'switch'
          ? [switchLines(to.namespace, from, to.state)]
          : finishLines(to.namespace, from, to.state)
    for (const batch of batches) await runStep({ run: 'ip', ...batch })
  }
}

export async function writeDns(before: Snapshot, after: Snapshot): Promise<void> {
  for (const [key, to] of Object.entries(after.dns)) {
    const from = before.dns[key] === undefined ? to.original : before.dns[key].state
    if (changed(from, to.state)) await runStep(dnsStep(to.namespace, to.state))
  }
}

function changed(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b)
}
