/** Host-side questions after a change, each with its answer. None of them depends on what a workload says of itself. */
import type { Compiled } from '../compile/nft.ts'
import type { Applied } from '../model/wire.ts'
import { readTable } from './nft.ts'
import type { Snapshot } from './snapshot.ts'
import { command } from './step.ts'

export type Probe = Applied['probes'][number]

/** Is what we sent what the kernel holds, permanent or pending? */
export async function probeKernel(compiled: Compiled): Promise<Probe> {
  const found = await readTable()
  const ok = found !== null && (found.pending?.hash === compiled.hash || found.confirmed === compiled.hash)
  const detail = ok
    ? `holds ${compiled.hash}`
    : `holds ${found?.pending?.hash ?? found?.confirmed ?? 'no table'}, not ${compiled.hash}`
  return { name: 'kernel', ok, detail }
}

/** New addresses must answer on their link. */
export async function probeAddresses(before: Snapshot, after: Snapshot): Promise<Probe[]> {
  const fresh = Object.entries(after.network).flatMap(([key, to]) => {
    const old = before.network[key]?.state ?? to.original
    return to.state.addresses
      .filter((address) => !old.addresses.includes(address))
      .map((address) => ({ face: to.face, address: address.split('/')[0]! }))
  })
  return Promise.all(
    fresh.slice(0, 90).map(async ({ face, address }) => {
      const ok = await command('ping', ['-n', '-q', '-c', '3', '-i', '0.2', '-W', '1', '-I', face, address]).then(
        () => true,
        () => false,
      )
      return { name: `address ${address}`, ok, detail: ok ? 'answers on its link' : 'does not answer on its link' }
    }),
  )
}
