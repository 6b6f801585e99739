/** Shows 2: what `observe` says of real traffic whose truth is known. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DATA, needData } from '../../test/need.ts'
import { createIndicatorIndex } from '../assess/indicators.ts'
import { type Observation, observe } from './observe-run.ts'

const look = (path: string) => lookAt(`${DATA}/flows/${path}`)
const lookAt = (path: string) =>
  observe({
    paths: [path],
    homeNetworks: [],
    indicators: createIndicatorIndex([]),
    signal: new AbortController().signal,
    progress: () => {},
  })

type Line = {
  readonly subject: string
  readonly kind: string
  readonly peer: string | null
  readonly weight: number
  readonly score: number
}

function evidenceOf(observation: Observation): Line[] {
  return observation.workloads.flatMap((one) =>
    one.evidence.map(({ kind, peer, weight, figures }) => ({
      subject: one.address,
      kind,
      peer,
      weight,
      score: figures.score ?? 0,
    })),
  )
}

const RITA = 'rita/missing_host'
test('RITA missing_host: every flow, the known beacon first of all', { skip: needData(`flows/${RITA}`) }, async () => {
  const observation = await look(RITA)
  assert.equal(observation.flows, 105_918)
  assert.equal(observation.refusedCount, 0)
  const beacons = evidenceOf(observation)
    .filter(({ kind }) => kind === 'beacon')
    .sort((a, b) => b.weight - a.weight)
  const [first, second] = beacons
  assert.deepEqual([first?.subject, first?.peer], ['73.54.23.243', '64.225.56.201'])
  assert.ok(first!.weight > second!.weight)
  // RITA's own score is 0.963; its authors allow 0.05 in their tests of the parts.
  assert.ok(Math.abs(first!.score - 0.963) <= 0.05, `score ${first!.score}`)
  const risks = observation.workloads.map(({ risk }) => risk.value)
  assert.deepEqual(
    risks,
    [...risks].sort((a, b) => b - a),
    'sorted by risk',
  )
  assert.ok(observation.workloads.length + observation.folded >= 14_991, 'every source is counted')
})

/** Addresses of flows/otrf-apt29 that may carry `scan.*`, each with its reason. Empty: none does. */
const ALLOWED_SCANS: Readonly<Record<string, string>> = {}

const APT29 = 'otrf-apt29/day1'
test('APT29: nobody is taken for a scanner', { skip: needData(`flows/${APT29}`) }, async () => {
  const observation = await look(APT29)
  assert.equal(observation.flows, 613)
  const scans = evidenceOf(observation).filter(
    ({ kind, subject }) => kind.startsWith('scan.') && !(subject in ALLOWED_SCANS),
  )
  assert.deepEqual(scans, [])
})

/** Slips' captures: what we say of each. Its expected alerts (anchors.json) that rest on more than conn logs are not ours to find. */
const SLIPS: Readonly<
  Record<string, { readonly flows: number; readonly expected: readonly string[]; readonly why: string }>
> = {
  'port-scans': { flows: 41, expected: ['scan.horizontal 10.0.2.112'], why: 'its anchor: horizontal scan of port 80' },
  'test9-mixed-zeek-dir': {
    flows: 576,
    expected: ['bruteforce 10.1.11.101'],
    why: 'its alerts rest on JA3S and ARP; its smtp.log is that of test14',
  },
  'test10-mixed-zeek-dir': {
    flows: 141,
    expected: ['scan.horizontal 192.0.2.10'],
    why: 'its alert rests on DNS answers; it holds ten SYNs to port 1337 of ten hosts in 0.1 s',
  },
  'test13-malicious-dhcpscan-zeek-dir': { flows: 2, expected: [], why: 'its alert rests on DHCP' },
  'test14-malicious-zeek-dir': {
    flows: 5,
    expected: ['bruteforce 10.1.11.101'],
    why: 'its anchor: log-ins that smtp.log tells of; its other alerts rest on tunnels and user-agents',
  },
  'test15-malicious-zeek-dir': { flows: 2, expected: [], why: 'its alerts rest on SSH versions and certificates' },
  'test4-malicious.binetflow': {
    flows: 392,
    expected: ['scan.horizontal 192.168.2.12'],
    why: 'its anchor: horizontal scan of port 81',
  },
  'test11-portscan.binetflow': {
    flows: 66,
    expected: ['scan.vertical 10.8.0.69'],
    why: 'its anchor: ports of 14.1.11.113',
  },
  'test18-malicious-ctu-sme-11-win': {
    flows: 766,
    expected: ['beacon 192.168.1.107'],
    why: 'labels: 719 connections of RemcosRAT, refused, twice a second',
  },
}
for (const [name, { flows, expected, why }] of Object.entries(SLIPS))
  test(`Slips ${name}: ${why}`, { skip: needData(`flows/slips/${name}`) }, async () => {
    const observation = await look(`slips/${name}`)
    assert.equal(observation.flows, flows)
    const said = evidenceOf(observation).filter(({ kind }) => kind !== 'belief')
    assert.deepEqual([...new Set(said.map(({ kind, subject }) => `${kind} ${subject}`))], expected)
  })

test('our own lab recording: who exfiltrates, and where to, is said; everybody else is left alone', async () => {
  const observation = await lookAt(new URL('../../lab/recording/conn.log.gz', import.meta.url).pathname)
  const said = evidenceOf(observation).filter(({ kind }) => kind !== 'belief')
  // Its uploads are regular as well: every 2.7 s.
  assert.deepEqual([...new Set(said.map(({ kind, subject, peer }) => `${kind} ${subject} ${peer}`))].sort(), [
    'beacon 10.77.7.2 203.0.113.66',
    'exfiltration 10.77.7.2 203.0.113.66',
  ])
  assert.equal(observation.workloads[0]?.address, '10.77.7.2')
  assert.ok(observation.workloads[0].risk.value > 0.7, 'enough to act on')
})
