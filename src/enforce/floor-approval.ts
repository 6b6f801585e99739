/**
 * Who must have signed. A state comes in with the one in force, the floor, and the signatures that came with it; out comes
 * null, or why they do not suffice. Whether a plan is of the high class is judged here from what it changes: a server that
 * was taken over would not say so.
 */
import { createPublicKey, verify } from 'node:crypto'
import { type Approval, approvalText } from '../model/approval.ts'
import type { AgentState, DesiredState } from '../model/desired.ts'
import { MODES } from '../model/policy.ts'
import type { Floor } from './floor.ts'
import { changedWorkloads } from './floor-judge.ts'
import type { Fault } from './floor-words.ts'
import { onlyContains } from './snapshot.ts'

/** Below this a share says nothing: one of three is a third. */
const FEW_WORKLOADS = 20

export function approvalFault(
  agent: string,
  state: AgentState,
  approvals: readonly Approval[],
  floor: Floor,
  inForce: AgentState | null,
): Fault | null {
  if (floor.approvals === null) return null
  const { keys, needed } = floor.approvals
  const why = demandFor(state, floor.approvals, inForce)
  if (why === null) return null
  const text = approvalText(agent, state)
  const people = Object.entries(keys)
    .filter(([, key]) => approvals.some((one) => one.key === key && isSigned(text, one)))
    .map(([name]) => name)
  // Two names with one key are one person.
  const distinct = new Set(people.map((name) => keys[name]))
  if (distinct.size >= needed) return null
  const reason = `${why}, which needs ${needed} approver signature(s) that this host knows; it has ${distinct.size}`
  return { pointer: '/approvals', reason }
}

/** Why this change needs signatures here, or null. The first state of all is what the host was enrolled for. */
function demandFor(
  state: AgentState,
  demand: NonNullable<Floor['approvals']>,
  inForce: AgentState | null,
): string | null {
  if (inForce === null) return null
  if (MODES.indexOf(state.mode) < MODES.indexOf(inForce.mode)) return 'it takes enforcement off'
  const dropped = droppedPath(inForce, state)
  if (dropped !== null) return `it drops the fail-safe path ${dropped}`
  const facet = demand.facets.find((name) => facetText(inForce, name) !== facetText(state, name))
  if (facet !== undefined) return `it changes facet ${facet}`
  const changed = changedWorkloads(inForce, state)
  const most = Math.max(state.workloads.length, inForce.workloads.length)
  if (demand.aboveShare !== null && most >= FEW_WORKLOADS && changed > demand.aboveShare * most)
    return `it changes ${changed} of ${most} workloads`
  return demand.of === 'every' && !onlyContains(inForce, state) ? 'it is a change' : null
}

function droppedPath(before: AgentState, after: AgentState): string | null {
  const kept = new Set(after.failSafe.map(({ direction, match }) => JSON.stringify([direction, match])))
  return before.failSafe.find(({ direction, match }) => !kept.has(JSON.stringify([direction, match])))?.id ?? null
}

function facetText(state: AgentState, facet: string): string {
  const of = (workload: DesiredState): unknown =>
    facet === 'policies' ? [workload.egress, workload.ingress] : (workload as Readonly<Record<string, unknown>>)[facet]
  return JSON.stringify(state.workloads.map((workload) => [workload.key, of(workload) ?? null]))
}

function isSigned(text: Buffer, { key, signature }: Approval): boolean {
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.slice('ed25519:'.length) }
    return verify(null, text, createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'))
  } catch {
    // A point that is none (RFC 8032 §5.1.3): not signed.
    return false
  }
}
