import { createHash } from 'node:crypto'
import type { TenantId, WorkloadId } from './ids.ts'

/** The id of a workload is a function of whose it is and of its stable key, so agent and server need not agree on it first. */
export function workloadId(tenant: TenantId, key: string): WorkloadId {
  const digest = createHash('sha256').update(`${tenant}\0${key}`).digest()
  return `w_${BigInt(`0x${digest.toString('hex', 0, 8)}`)
    .toString(36)
    .padStart(13, '0')}` as WorkloadId
}
