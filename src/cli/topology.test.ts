/** The paths as a person reads them: dropped first, and nothing left out without a word. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Topology, TopologyEdge } from '../model/topology.ts'
import { topologyTable } from './topology.ts'

const edge = (from: string, to: string, more: Partial<TopologyEdge>): TopologyEdge => ({
  id: `${from}>${to}`,
  from,
  to,
  bytes: 4_200_000,
  flows: 12,
  failed: 0,
  verdicts: { allow: 12, deny: 0, wouldDeny: 0, unjudged: 0 },
  services: [{ port: 5432, proto: 6, service: null, bytes: 1, flows: 1 }],
  conversations: 1,
  last: 0,
  fresh: false,
  evidence: null,
  ...more,
})
const node = (id: string, name: string, kind: 'persona' | 'outside', segment: string) => ({
  id,
  kind,
  name,
  segment,
  persona: null,
  workload: null,
  members: 1,
  rest: false,
  bytes: 0,
  flows: 0,
  risk: null,
  evidence: null,
  contained: 0,
})
const none = { bytes: 0, flows: 0, failed: 0, verdicts: { allow: 0, deny: 0, wouldDeny: 0, unjudged: 0 } }
const topology: Topology = {
  from: 0,
  to: 1,
  level: 'persona',
  keptSince: 0,
  judgedBy: 4,
  workloads: 3,
  matched: 3,
  segments: [{ id: 'data', name: 'Data', column: 3, workloads: 3, risk: null }],
  nodes: [node('p:data:database', 'Database', 'persona', 'data'), node('o:internet', 'Internet', 'outside', 'outside')],
  edges: [
    edge('p:data:database', 'p:data:database', {}),
    edge('p:data:database', 'o:internet', {
      verdicts: { allow: 0, deny: 3, wouldDeny: 0, unjudged: 0 },
      flows: 3,
      failed: 3,
      bytes: 812,
      evidence: 'scans\u001b[31m 40 ports',
    }),
  ],
  folded: { ...none, edges: 7, workloads: 0, addresses: 0 },
  hidden: { ...none, edges: 2 },
  cut: false,
}

test('dropped first; what is folded and hidden is counted; observed text stays text', () => {
  const lines = topologyTable(topology).split('\n')
  assert.match(lines[1]!, /^Data\/Database +Internet +dropped +3 +3 +812 B +5432\/tcp +scans.{0,2}\[31m 40 ports$/)
  assert.equal(lines[1]!.includes('\u001b'), false)
  assert.match(lines[2]!, /^Data\/Database +Data\/Database +allowed +12 +0 +4\.2 MB/)
  assert.deepEqual(lines.slice(3), [
    '7 paths of least difference are folded away.',
    '2 paths of DNS, NTP and the like are hidden.',
  ])
})
