/** Logs of one network come in (Zeek, NetFlow, Suricata, CSV; a folder or files), what its host was by certain moments goes out. */
import { copyPortrait, type Portrait } from '../../model/portrait.ts'
import { createServiceNames } from '../source.ts'
import { createFileSource } from '../sources/open.ts'
import { createFlowPortraits, type FlowPortrait } from './flow-portraits.ts'
import type { Moments } from './read-portraits.ts'

export type ReadFlowPortraits = {
  /** Null when its host is not in it. */
  readonly moments: Moments | null
  /** What could not be read, null = nothing. */
  readonly cut: string | null
}

/** `host` = address, null = whoever starts most conversations. */
export async function readFlowPortraits(
  paths: readonly string[],
  options: { readonly host: string | null; readonly afterMs: readonly number[] },
): Promise<ReadFlowPortraits> {
  const services = createServiceNames()
  const snapshots = new Map<string, Portrait[]>()
  const portraits = createFlowPortraits(services, (address, portrait, timeMs) => {
    if (options.host !== null && address !== options.host) return
    const taken = snapshots.get(address) ?? []
    if (taken.length === 0) snapshots.set(address, taken)
    while (taken.length < options.afterMs.length && timeMs - portrait.first > options.afterMs[taken.length]!)
      taken.push(copyPortrait(portrait))
  })
  const source = createFileSource({ paths, services })
  for await (const batch of source.batches(new AbortController().signal)) portraits.take(batch)
  const { refused, refusals } = source.counters
  const cut = refused === 0 ? null : `${refused} of its rows could not be read (${refusals[0]?.why ?? ''})`
  const host = options.host ?? likeliestHost(portraits.hosts)
  const whole = host === null ? undefined : portraits.hosts.get(host)
  if (host === null || whole === undefined) return { moments: null, cut }
  const taken = snapshots.get(host) ?? []
  return { moments: { at: options.afterMs.map((_, i) => taken[i] ?? whole), whole }, cut }
}

function likeliestHost(hosts: ReadonlyMap<string, FlowPortrait>): string | null {
  let best: string | null = null
  for (const [address, { started }] of hosts) if (best === null || started > hosts.get(best)!.started) best = address
  return best
}
