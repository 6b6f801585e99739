/** The agent's fast path with a stop-watch, in the router's namespace: the same source, block-list and reflex as `src/agent.ts`, one JSON line of stamps per reflex. */
import { tmpdir } from 'node:os'
import { createDetectors } from '../../src/assess/detectors.ts'
import { blocklistHits, createIndicatorIndex, createNeverBlock } from '../../src/assess/indicators.ts'
import { fullText } from '../../src/compile/delta.ts'
import { compileAgent } from '../../src/compile/nft.ts'
import { applyText } from '../../src/enforce/nft.ts'
import { createReflex } from '../../src/enforce/reflex.ts'
import { formatAddress } from '../../src/model/address.ts'
import type { AgentState } from '../../src/model/desired.ts'
import { DEFAULT_TENANT } from '../../src/model/ids.ts'
import { workloadId } from '../../src/model/workload-id.ts'
import { createDirectory } from '../../src/observe/reduce/directory.ts'
import { createReducer } from '../../src/observe/reduce/reducer.ts'
import { createConntrackSource } from '../../src/observe/sources/conntrack.ts'

const why = { rule: 'bench/open', text: 'everything may, until a reflex' }
const open = { rules: [], otherwise: 'allow' as const, why }
const state: AgentState = {
  generation: { system: 'bench', timeline: 1, n: 1 },
  plan: 'bench',
  mode: 'enforce',
  workloads: [
    {
      workload: 'w',
      key: 'wa',
      persona: { id: 'p', name: 'P', version: 1 },
      egress: open,
      ingress: open,
      containment: null,
    },
  ],
  sets: [],
  neverBlock: ['203.0.113.123'],
  failSafe: [],
  confirmWithinMs: 10_000,
}
const binding = { key: 'wa', interface: 'wa', addresses: ['10.77.1.2'], driver: 'netns' as const }
await applyText(fullText(compileAgent(state, [binding]), { pendingMs: null, now: Date.now() }))

const directory = createDirectory()
directory.put({ key: 'wa', id: workloadId(DEFAULT_TENANT, 'wa'), addresses: binding.addresses })
// As many indicators as a real feed has; one of them is what the client calls.
const noise = Array.from({ length: 50_000 }, (_, i) => ({
  cidr: `100.${64 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
  score: 0,
  feed: 'noise',
  confidence: 1,
}))
const index = createIndicatorIndex([{ cidr: '198.51.100.0/24', score: 0, feed: 'bench', confidence: 1 }, ...noise])
const never = createNeverBlock(state.neverBlock)
const reducer = createReducer({ directory, homeNetworks: ['10.0.0.0/8'], serviceName: () => null, idle: 'every-tick' })
const detectors = createDetectors({ homeNetworks: ['10.0.0.0/8'], indicators: index, neverBlock: never })
const reflex = createReflex({
  home: process.env.GUISE_BENCH_DIR ?? tmpdir(),
  allowed: () => true,
  neverBlock: () => never,
  isListed: (words, at) => (index.lookup(words, at)?.score ?? 1) < 0.3,
  placeOf: () => binding,
  capPerMinute: 100_000,
  say: (line) => void process.stderr.write(`${line}\n`),
})
const clock = () => Number(process.hrtime.bigint())

const leaving = new AbortController()
process.on('SIGTERM', () => leaving.abort())
process.stdout.write('{"ready":true}\n')
for await (const batch of createConntrackSource().batches(leaving.signal)) {
  const batchAt = clock()
  const hits = blocklistHits(batch, index, never)
  const added = reflex.counters.added
  if (hits.length > 0) {
    directory.assign(batch)
    const hitAt = clock()
    reflex.act(batch, hits, Date.now())
    const ackAt = clock()
    const peer = formatAddress(batch.target, hits[0]! * 4)
    if (reflex.counters.added > added) process.stdout.write(`${JSON.stringify({ peer, batchAt, hitAt, ackAt })}\n`)
  }
  reducer.add(batch)
  detectors.add(batch)
}
process.exit(0)
