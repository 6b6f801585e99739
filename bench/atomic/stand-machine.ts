/** One small guest under full emulation behind a tap of the range's router, dressed from outside and through its agent. */
import { buildGuest } from '../../guest/build.ts'
import { guestAnswers } from '../../src/enforce/drivers/qemu/guest-agent.ts'
import { socketsOf } from '../../src/enforce/drivers/qemu/machine.ts'
import { openMachines } from '../../src/enforce/drivers/qemu/machines.ts'
import type { DesiredState } from '../../src/model/desired.ts'
import { type Range, until } from '../kill/range.ts'
import type { Stand } from './ground.ts'
import { carried, redirects, type Secrets, type Variant, wearing } from './persona.ts'

export async function standMachine(range: Range, secrets: Secrets): Promise<Stand> {
  const namespace = `/run/netns/${range.router}`
  const machines = openMachines({ home: range.home, namespace, quota: { machines: 1, memoryMb: 512, cpus: 4 } })
  const remove = async () => {
    for (const { machine } of machines.all()) await machines.destroy(machine.uuid)
  }
  try {
    const made = machines.define({
      name: 'guest',
      boot: { from: 'kernel', ...(await buildGuest()) },
      memoryMb: 128,
      cpus: 1,
      face: 'gaguest',
      gateways: ['10.78.1.1/24'],
      addresses: [],
      accelerator: 'tcg',
    })
    if (!made.ok) throw new Error(made.why)
    const { uuid } = made.value
    await machines.start(uuid)
    await until('the guest boots', 180_000, () => guestAnswers(socketsOf(uuid).agent, 1_000))
    return {
      workloads: (_, variant) => [wearing(`vm:${uuid}`, variant, carried('qemu', worn(secrets, variant)))],
      remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

function worn(secrets: Secrets, variant: Variant): Partial<DesiredState> {
  const rate = { rate: (10 + variant) * 1_000_000, ceiling: (20 + variant) * 1_000_000 }
  return {
    network: { addresses: [`10.78.1.${2 + variant}/24`], gateways: ['10.78.1.1'] },
    dns: { servers: [`10.77.53.5${variant}`], search: [`v${variant}.lab.internal`] },
    bandwidth: { down: rate },
    cpu: { cores: 1 - 0.1 * variant },
    tls: secrets.tls(variant),
    redirects: redirects(variant),
    ...(variant === 1 ? { vpn: secrets.vpn(1) } : {}),
  }
}
