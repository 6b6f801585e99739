/** Kernel against intention, read back now: what the journal says is confirmed, per workload and facet. */
import type { DispatchMap } from '../compile/base.ts'
import type { Compiled } from '../compile/nft.ts'
import type { ReadBack } from '../compile/parse.ts'
import { type Binding, canonicalAddress } from '../compile/tree.ts'
import type { ForeignChain } from '../model/foreign-chain.ts'
import type { Facet } from '../model/persona.ts'
import { plainText } from '../model/plain-text.ts'
import type { FacetPart } from './facet.ts'
import { PARTS } from './facets.ts'
import { foreignChains } from './foreign-chains.ts'
import { bootId, notBefore, openJournal } from './journal.ts'
import { readTable, tableDrift } from './nft.ts'
import { keepSecretsIn } from './secret-files.ts'
import { compileSnapshot, NOTHING, type Placed, type Snapshot, wishOf } from './snapshot.ts'
import { readSnapshot } from './snapshot-of.ts'

export type FacetVerdict = {
  readonly facet: Facet
  readonly ok: boolean
  /** `found` = nothing asks for it any more, so it must be what was there before us. */
  readonly wants: 'worn' | 'found'
  readonly why: string
}
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
    readonly facets: readonly FacetVerdict[]
  }[]
  readonly differences: readonly string[]
  /** Hooks of others beside ours: a packet that they drop is not seen by our rules. */
  readonly beside: readonly ForeignChain[]
}

export async function verify(home: string, now: number): Promise<Verification> {
  keepSecretsIn(home)
  const journal = openJournal(home)
  const [confirmed, intent] = [journal.confirmed(), journal.intent()]
  const snapshot = confirmed === null ? null : await readSnapshot(confirmed.snapshot)
  const under = intent === null ? null : await readSnapshot(intent.after)
  const compiled = snapshot === null ? null : compileSnapshot(snapshot)
  const found = await readTable()
  const differences = tableDrift(compiled, found, confirmed === null ? now : notBefore(confirmed, bootId(), now))
  const bindings = new Map(snapshot?.bindings.map((binding) => [binding.key, binding]))
  const worn = (snapshot?.state?.workloads ?? []).map(async ({ key, persona }) => {
    const binding = bindings.get(key)
    if (binding === undefined)
      return { key, persona: persona.name, ok: true, why: 'not on this host now', facets: [] as FacetVerdict[] }
    const facets = [policies(binding, compiled, found), ...(await verifyParts(key, snapshot ?? NOTHING, under))]
    const wrong = facets.filter((one) => !one.ok)
    const why =
      wrong.length === 0
        ? 'wears what is intended'
        : wrong[0]?.facet === 'policies'
          ? wrong[0].why
          : `${wrong.map((one) => one.facet).join(', ')} differ${wrong.length === 1 ? 's' : ''}`
    return { key, persona: persona.name, ok: wrong.length === 0, why, facets }
  })
  const workloads = await Promise.all(worn)
  return {
    ok: differences.length === 0 && workloads.every((workload) => workload.ok),
    generation: confirmed?.generation.n ?? null,
    hash: compiled?.hash ?? null,
    kernelHash: found?.confirmed ?? null,
    pending: found !== null && found.pending !== null,
    workloads,
    differences,
    beside: await foreignChains(),
  }
}

type Door = readonly [map: DispatchMap, element: string]

/** Where the kernel finds its rules. */
function doorsOf({ interface: face, driver, addresses }: Binding): Door[] {
  const both = (maps: readonly [DispatchMap, DispatchMap], element: string) => maps.map((map): Door => [map, element])
  if (face === null) return both(['host_eg', 'host_ing'], 'ipv4')
  if (driver !== 'gateway') return both(['eg', 'ing'], `"${face}"`)
  return addresses.flatMap((text) => {
    const own = canonicalAddress(text)
    return own === null ? [] : both([`dev_eg${own.family}`, `dev_ing${own.family}`], `"${face}" . ${own.address}`)
  })
}

function policies(binding: Binding, compiled: Compiled | null, found: ReadBack | null): FacetVerdict {
  const wrong = doorsOf(binding).flatMap(([map, element]) =>
    compiled?.maps[map].get(element) === `goto ${found?.maps[map].get(element)?.chain}` ? [] : [map],
  )
  const ok = wrong.length === 0
  const why = ok ? 'the kernel dispatches it to its rules' : `the kernel dispatches ${wrong.join(' and ')} differently`
  return { facet: 'policies', ok, wants: 'worn', why }
}

async function verifyParts(key: string, snapshot: Snapshot, under: Snapshot | null): Promise<FacetVerdict[]> {
  const verdicts: FacetVerdict[] = []
  const desired = snapshot.state?.workloads.find((one) => one.key === key)
  for (const part of PARTS) {
    const placed = snapshot.facets[part.facet]?.[key]
    if (placed === undefined) continue
    const wants = wishOf(desired, part.facet) === undefined ? 'found' : 'worn'
    const change = under?.facets[part.facet]?.[key] ?? null
    verdicts.push({ facet: part.facet, wants, ...(await look(part, placed, change)) })
  }
  return verdicts
}

/** While a change waits for its confirmation, the new state is as good as the old one: one of the two, whole. */
async function look(
  part: FacetPart,
  { place, state }: Placed,
  change: Placed | null,
): Promise<Pick<FacetVerdict, 'ok' | 'why'>> {
  if ((await part.isAway?.(place)) === true)
    return { ok: true, why: 'nobody is there now: it is put on when somebody is' }
  let found: string
  try {
    found = part.normalise(await part.capture(place))
  } catch (error) {
    return { ok: false, why: `cannot be read: ${plainText((error as Error).message, 200)}` }
  }
  const wanted = part.normalise(state)
  if (found === wanted) return { ok: true, why: 'holds what is intended' }
  if (change !== null && found === part.normalise(change.state)) return { ok: true, why: 'holds the change that waits' }
  return { ok: false, why: difference(part.facet, found, wanted) }
}

/** Keys are references and digests here, yet of tunnels and certificates nothing is shown but that they differ. */
const UNSHOWN: readonly Facet[] = ['vpn', 'tls']
const SHOWN = 120

function difference(facet: Facet, found: string, wanted: string): string {
  if (UNSHOWN.includes(facet)) return 'holds something else'
  return `holds ${plainText(found, SHOWN)}, intended is ${plainText(wanted, SHOWN)}`
}
