/** Recorded traffic gives the windows, conversations and evidence it gave before the hot path was made quick. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { DATA, needData } from '../../../test/need.ts'
import type { Finding } from '../../assess/detector.ts'
import { createDetectors } from '../../assess/detectors.ts'
import { formatAddress } from '../../model/address.ts'
import { createChannels } from '../../model/channels.ts'
import type { WorkloadId } from '../../model/ids.ts'
import { createServiceNames } from '../source.ts'
import { createFileSource } from '../sources/open.ts'
import { createDirectory } from './directory.ts'
import { createEventClock } from './event-clock.ts'
import { createReducer } from './reducer.ts'

/** [windows, conversations, findings, digest of windows and conversations, digest of findings], by the code of November 2026, which tells a conversation twice a minute and judges each series of guesses by its own sizes. */
const GOLDEN: Readonly<Record<string, readonly [number, number, number, string, string]>> = {
  'slips/test4-malicious.binetflow': [422, 760, 2, 'f90d34a677', 'a49efee03c'],
  'slips/port-scans': [36, 66, 1, '174d6996b5', 'a09cc83343'],
  'slips/test11-portscan.binetflow': [42, 84, 3, 'f53f1f7992', 'ac171c47d3'],
  'slips/test-cc': [268, 56, 9, '73095745ff', 'c266693601'],
  'slips/test14-malicious-zeek-dir': [2, 2, 1, '8f8fa13c9f', '50459b86c8'],
  'slips/test10-mixed-zeek-dir': [118, 184, 2, '8352c1709e', 'e812e03661'],
  'slips/test5-mixed.binetflow': [50, 74, 0, '127402187d', '97d170e155'],
  'otrf-apt29/day1': [287, 278, 3, 'd08b7ba104', '6ba17768c5'],
  'rita/missing_host': [27_404, 33_814, 1_447, 'f72d104572', '0a1cd6e17d'],
}
/** A small table of channels is forgotten all the time, a large one never. */
const CAPACITIES = [49_152, 300]
/** Rows of a file; the longest one goes on and on in the same way. */
const MOST_ROWS = 20_000

for (const [path, golden] of Object.entries(GOLDEN))
  for (const capacity of path.startsWith('rita') ? [CAPACITIES[0]!] : CAPACITIES)
    test(`${path}, ${capacity} channels`, { skip: needData(`flows/${path}`) }, async () => {
      assert.deepEqual(await reduce(`${DATA}/flows/${path}`, capacity), golden)
    })

async function reduce(path: string, capacity: number): Promise<(typeof GOLDEN)[string]> {
  const services = createServiceNames()
  const channels = createChannels(capacity)
  const homeNetworks = ['10.0.0.0/8', 'fd00::/8']
  const directory = createDirectory({
    discover: (words) => ({ key: formatAddress(words), id: formatAddress(words) as WorkloadId }),
  })
  const reducer = createReducer({ directory, channels, homeNetworks, serviceName: services.nameOf, idle: 'omit' })
  const detectors = createDetectors({ homeNetworks, channels })
  const clock = createEventClock()
  const digest = createHash('sha1')
  const findings: Finding[] = []
  const counts = [0, 0] as [number, number]
  const close = (until: number) => {
    const { ticks, conversations } = reducer.close(until)
    counts[0] += ticks.length
    counts[1] += conversations.length
    for (const window of sorted(ticks, (one) => `${one.workload}@${one.start}`)) digest.update(said(window))
    digest.update(
      said(
        sorted(conversations, (one) =>
          [one.workload, one.peer, one.port, one.proto, one.direction, one.start].join(' '),
        ),
      ),
    )
  }
  const enough = new AbortController()
  let rows = 0
  for await (const batch of createFileSource({ paths: [path], services }).batches(enough.signal)) {
    rows += batch.count
    if (rows > MOST_ROWS) enough.abort()
    clock.walk(batch, 5_000, (part, now) => {
      const numbers = channels.number(part)
      reducer.add(part, numbers)
      detectors.add(part, numbers)
      findings.push(...detectors.evaluate(now))
      close(now - 10_000)
    })
  }
  findings.push(...detectors.evaluate(clock.now))
  close(Number.MAX_SAFE_INTEGER)
  const told = createHash('sha1').update(said(findings)).digest('hex').slice(0, 10)
  return [...counts, findings.length, digest.digest('hex').slice(0, 10), told]
}

const sorted = <T>(list: readonly T[], key: (one: T) => string): T[] =>
  [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1))

/** As text, keys in order; numbers to 12 places, as sums of fractions depend on their order. */
function said(value: unknown): string {
  return JSON.stringify(plain(value))
}

function plain(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(12))
  if (value instanceof Float64Array || value instanceof Uint8Array || Array.isArray(value))
    return Array.from<unknown, unknown>(value as ArrayLike<unknown>, plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, plain(one)]),
  )
}
