/** A recording in, what Guise thinks of every address in it out: the pure core from flows to belief, evidence and risk. */
import { createDetectors } from '../assess/detectors.ts'
import { createEvidenceBook } from '../assess/evidence-book.ts'
import type { IndicatorIndex } from '../assess/indicators.ts'
import { riskOf } from '../assess/risk.ts'
import { formatAddress, parseAddress } from '../model/address.ts'
import type { Belief } from '../model/belief.ts'
import { createChannels } from '../model/channels.ts'
import type { Evidence, Risk } from '../model/evidence.ts'
import type { SourceCounters } from '../model/flow.ts'
import type { WorkloadId } from '../model/ids.ts'
import { createNetworks, DEFAULT_HOME_NETWORKS } from '../model/networks.ts'
import { createDirectory } from '../observe/reduce/directory.ts'
import { createEventClock } from '../observe/reduce/event-clock.ts'
import { createReducer } from '../observe/reduce/reducer.ts'
import { createServiceNames } from '../observe/source.ts'
import { createBeliefs } from './observe-beliefs.ts'
import { openWanted, type SourceFigures, type Wanted } from './observe-sources.ts'
import { riskiestFirst } from './observe-text.ts'

export type Observed = {
  readonly address: string
  readonly isHome: boolean
  readonly belief: Belief | null
  /** At its highest: evidence fades, and a mix of recordings may span years. */
  readonly risk: Risk
  readonly evidence: readonly Evidence[]
}
export type Observation = {
  readonly flows: number
  readonly workloads: readonly Observed[]
  /** Addresses left out: beyond the limit, without evidence and not of the home networks. */
  readonly folded: number
  readonly refused: SourceCounters['refusals']
  readonly refusedCount: number
  readonly skipped: Readonly<Record<string, number>>
  readonly files: number
  /** What came of each kind of source. */
  readonly sources: readonly SourceFigures[]
}

/** Late rows amend for this long (event time). */
const WATERMARK_MS = 30_000
const STEP_MS = 30_000
/** Addresses listed that are neither at home nor have evidence. */
const MAX_OTHERS = 2_000

export async function observe(options: {
  readonly paths: readonly string[]
  readonly wanted?: Partial<Wanted>
  readonly homeNetworks: readonly string[]
  readonly indicators: IndicatorIndex
  readonly signal: AbortSignal
  /** Before the first byte is read: what a person should know of what is about to be. */
  readonly opened?: (notes: readonly string[]) => void
  /** `share` of the bytes that is read, null when there is no end. */
  readonly progress: (flows: number, eventTime: number, share: number | null) => void
}): Promise<Observation> {
  const services = createServiceNames()
  const source = openWanted(
    { csvMap: null, listen: [], exporters: [], reading: 'whole', ...options.wanted, paths: options.paths },
    services,
  )
  options.opened?.(source.notes)
  const directory = createDirectory({
    discover: (words) => {
      const key = formatAddress(words)
      return { key, id: key as WorkloadId }
    },
  })
  const homeNetworks = options.homeNetworks.length > 0 ? options.homeNetworks : [...DEFAULT_HOME_NETWORKS]
  const channels = createChannels()
  const reducer = createReducer({ directory, channels, homeNetworks, serviceName: services.nameOf, idle: 'omit' })
  const detectors = createDetectors({ homeNetworks, channels, indicators: options.indicators })
  const clock = createEventClock()
  const home = createNetworks(homeNetworks)
  const beliefs = createBeliefs((address) => home.covers(parseAddress(address) ?? [0, 0, 0, 0]))
  const book = createEvidenceBook()
  const evaluate = (now: number) => {
    for (const { evidence } of detectors.evaluate(now)) book.add(evidence)
  }
  let flows = 0
  for await (const batch of source.batches(options.signal)) {
    flows += batch.count
    clock.walk(batch, STEP_MS, (part, now) => {
      const numbers = channels.number(part)
      reducer.add(part, numbers)
      detectors.add(part, numbers)
      evaluate(now)
      beliefs.add(reducer.close(now - WATERMARK_MS).ticks)
    })
    options.progress(flows, clock.now, source.share())
  }
  const now = clock.now
  evaluate(now)
  beliefs.add(reducer.close(Number.MAX_SAFE_INTEGER).ticks)
  beliefs.finish()

  const all: Observed[] = []
  const words = new Uint32Array(4)
  for (const workload of directory.present()) {
    const address = directory.keyOf(workload)
    directory.read(workload, words)
    const alarm = beliefs.alarm(directory.idOf(workload), address, now)
    const evidence = [...book.of(address), ...(alarm === null ? [] : [alarm])]
    all.push(observed(address, home.covers(words), beliefs.of(directory.idOf(workload)), evidence, now))
  }
  // Who is only spoken of (a log-in in smtp.log without its row in conn.log) is listed, too.
  const listed = new Set(all.map(({ address }) => address))
  for (const address of book.subjects())
    if (!listed.has(address))
      all.push(observed(address, home.covers(parseAddress(address) ?? [0, 0, 0, 0]), null, book.of(address), now))
  const { kept, folded } = fold(all)
  return {
    flows,
    workloads: kept,
    folded,
    refused: source.counters.flatMap(({ refusals }) => refusals).slice(0, 20),
    refusedCount: source.counters.reduce((sum, { refused }) => sum + refused, 0),
    skipped: Object.fromEntries(source.skipped),
    files: source.files,
    sources: source.figures(),
  }
}

function observed(
  address: string,
  isHome: boolean,
  belief: Belief | null,
  evidence: readonly Evidence[],
  now: number,
): Observed {
  const sorted = [...evidence].sort((a, b) => b.weight - a.weight)
  return { address, isHome, belief, risk: highestRisk(evidence, now), evidence: sorted }
}

function highestRisk(evidence: readonly Evidence[], now: number): Risk {
  let highest = riskOf(evidence, now)
  for (const at of new Set(evidence.map((one) => one.at))) {
    const then = riskOf(
      evidence.filter((one) => one.at <= at),
      at,
    )
    if (then.value > highest.value) highest = then
  }
  return highest
}

/** Riskiest first; of the others without a reason to be here, so many. */
function fold(all: readonly Observed[]): { kept: Observed[]; folded: number } {
  const sorted = riskiestFirst(all)
  let others = 0
  const kept = sorted.filter((one) => one.isHome || one.evidence.length > 0 || ++others <= MAX_OTHERS)
  return { kept, folded: sorted.length - kept.length }
}
