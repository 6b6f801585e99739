/** Host-side questions after a change, each with its answer. None of them depends on what a workload says of itself. */
import type { Compiled } from '../compile/nft.ts'
import { changesBetween } from './converge.ts'
import type { Probe } from './facet.ts'
import { readTable } from './nft.ts'
import type { Snapshot } from './snapshot.ts'

/** Is what we sent what the kernel holds, permanent or pending? */
export async function probeKernel(compiled: Compiled): Promise<Probe> {
  const found = await readTable()
  const ok = found !== null && (found.pending?.hash === compiled.hash || found.confirmed === compiled.hash)
  const detail = ok
    ? `holds ${compiled.hash}`
    : `holds ${found?.pending?.hash ?? found?.confirmed ?? 'no table'}, not ${compiled.hash}`
  return { name: 'kernel', ok, detail }
}

/** What the changed facets must answer, at most ninety of them. */
export async function probeFacets(before: Snapshot, after: Snapshot): Promise<Probe[]> {
  const questions = changesBetween(before, after).flatMap(
    ({ part, from, to }) => part.probes?.(to.place, from, to.state) ?? [],
  )
  return Promise.all(questions.slice(0, 90).map((ask) => ask()))
}
