/** Kernel against intention, read back now: what the journal says is confirmed, per workload. */
import { openJournal } from './journal.ts'
import { readTable, tableDrift } from './nft.ts'
import { compileSnapshot, snapshotFrom } from './snapshot.ts'

export type Verification = {
  readonly ok: boolean
  readonly generation: number | null
  readonly hash: string | null
  readonly kernelHash: string | null
  readonly pending: boolean
  readonly workloads: readonly {
    readonly key: string
    readonly persona: string
    readonly ok: boolean
    readonly why: string
  }[]
  readonly differences: readonly string[]
}

export async function verify(home: string, now: number): Promise<Verification> {
  const confirmed = openJournal(home).confirmed()
  const snapshot = confirmed === null ? null : snapshotFrom(confirmed.snapshot)
  const compiled = snapshot === null ? null : compileSnapshot(snapshot)
  const found = await readTable()
  const differences = tableDrift(compiled, found, now)
  const bindings = new Map(snapshot?.bindings.map((binding) => [binding.key, binding]))
  const workloads = (snapshot?.state?.workloads ?? []).map(({ key, persona }) => {
    const binding = bindings.get(key)
    if (binding === undefined) return { key, persona: persona.name, ok: true, why: 'not on this host now' }
    const element = binding.interface === null ? 'ipv4' : `"${binding.interface}"`
    const [egress, ingress] = binding.interface === null ? (['host_eg', 'host_ing'] as const) : (['eg', 'ing'] as const)
    const wrong = ([egress, ingress] as const).filter(
      (map) => compiled?.maps[map].get(element) !== `goto ${found?.maps[map].get(element)?.chain}`,
    )
    const why =
      wrong.length === 0 ? 'wears what is intended' : `the kernel dispatches ${wrong.join(' and ')} differently`
    return { key, persona: persona.name, ok: wrong.length === 0, why }
  })
  return {
    ok: differences.length === 0 && workloads.every((workload) => workload.ok),
    generation: confirmed?.generation.n ?? null,
    hash: compiled?.hash ?? null,
    kernelHash: found?.confirmed ?? null,
    pending: found !== null && found.pending !== null,
    workloads,
    differences,
  }
}
