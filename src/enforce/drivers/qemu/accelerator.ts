/**
 * Which accelerator a guest gets. That /dev/kvm opens says little: a host that is a guest itself may offer a KVM under which
 * firmware runs and kernels hang. So the start is the probe: a guest that gives no sign of life within five seconds under
 * KVM is started again under full emulation, and that is remembered until the next boot of the host.
 */
import { accessSync, constants } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { socketsOf } from './machine.ts'
import { type Qmp, withQmp } from './qmp.ts'

export const PROBE_MS = 5_000
const LOOK_MS = 100

export function kvmOpens(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** A program inside has opened the agent's port: a kernel runs, and its drivers. */
export async function showsLife(uuid: string, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs
  return withQmp(socketsOf(uuid).monitor, async (qmp) => {
    while (!(await agentPortOpen(qmp))) {
      if (performance.now() > end) return false
      await wait(LOOK_MS)
    }
    return true
  })
}

async function agentPortOpen(qmp: Qmp): Promise<boolean> {
  return (await qmp.execute('query-chardev')).some((one) => one.label === 'agent' && one['frontend-open'])
}
