/** How much of a host its machines may take in all: the word of its floor, asked before anything is begun. */
import type { Refusal } from '../../../model/why.ts'
import type { Floor } from '../../floor.ts'

export type Quota = { readonly machines: number; readonly memoryMb: number; readonly cpus: number }
type Sized = { readonly uuid: string; readonly memoryMb: number; readonly cpus: number }

export function quotaOf({ limits }: Floor): Quota {
  return { machines: limits.machines, memoryMb: limits.machineMemoryMb, cpus: limits.machineCpus }
}

/** `machine` as it would be, beside the others. */
export function overQuota(
  all: readonly Sized[],
  machine: Sized & { readonly name: string },
  quota: Quota,
): Refusal | null {
  const others = all.filter(({ uuid }) => uuid !== machine.uuid)
  const memoryMb = others.reduce((sum, one) => sum + one.memoryMb, machine.memoryMb)
  const cpus = others.reduce((sum, one) => sum + one.cpus, machine.cpus)
  const over =
    others.length + 1 > quota.machines
      ? `machine ${others.length + 1} of ${quota.machines}`
      : memoryMb > quota.memoryMb
        ? `${memoryMb} MB of memory of ${quota.memoryMb} MB`
        : cpus > quota.cpus
          ? `${cpus} processors of ${quota.cpus}`
          : null
  if (over === null) return null
  return {
    ok: false,
    code: 'quota',
    why: `${machine.name} is over the quota: that would be ${over}`,
    cure: "destroy another one, or raise the quota in the host's floor.yaml",
  }
}
