/**
 * A machine wears a persona, through the real agent: rules and rates on our end of its link, addresses, resolver, tunnel and
 * certificate inside it, processor time from its cgroup; then another one; then nothing of it is left.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { agentOnRange } from '../../../../bench/kill/agent-on-range.ts'
import { until } from '../../../../bench/kill/range.ts'
import { buildGuest } from '../../../../guest/build.ts'
import { bootCertificate } from '../../../../guest/certificate.ts'
import { namespaceOf } from '../../../../lab/topology.ts'
import { needQemu, needRoot } from '../../../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../../../model/desired.ts'
import type { Tls } from '../../../model/facets/tls.ts'
import type { Vpn } from '../../../model/facets/vpn.ts'
import type { Place } from '../../facet.ts'
import { publicKeyOf } from '../../facets/vpn/tunnel.ts'
import { keepSecretsIn, writeSecret } from '../../secret-files.ts'
import { runStep } from '../../step.ts'
import { cgroupOf } from './cgroup.ts'
import { guestAnswers, runInGuest } from './guest-agent.ts'
import { guestTls, guestVpn } from './guest-parts.ts'
import { type Machine, socketsOf } from './machine.ts'
import { type Machines, openMachines } from './machines.ts'

const run = promisify(execFile)
const skip = needRoot() || needQemu()
const OUTSIDE = '172.31.77.2'
let machines: Machines
// Before the range's own, which takes their namespace away.
after(async () => {
  if (skip !== false) return
  for (const { machine } of machines?.all() ?? []) await machines.destroy(machine.uuid)
})
const on = agentOnRange('v', skip)
let base: Machine
let copy: Machine

const agentOf = (machine: Machine) => socketsOf(machine.uuid).agent
const inGuest = (machine: Machine, program: string, ...argv: string[]) => runInGuest(agentOf(machine), program, argv)
const inNamespace = (name: string, program: string, ...argv: string[]) =>
  run('ip', ['netns', 'exec', namespaceOf(on.range.plan.prefix, name), program, ...argv], { maxBuffer: 1 << 26 })

before(async () => {
  if (skip !== false) return
  const image = await buildGuest()
  // Hooks of a whole file begin together.
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  const namespace = `/run/netns/${on.range.router}`
  machines = openMachines({ home: on.range.home, namespace, quota: { machines: 4, memoryMb: 1_024 } })
  const made = machines.define({
    name: 'base',
    boot: { from: 'kernel', ...image },
    memoryMb: 128,
    cpus: 1,
    face: 'gvbase',
    gateways: ['10.78.1.1/24'],
    addresses: [],
    accelerator: 'tcg',
  })
  assert.ok(made.ok)
  base = made.value
  await machines.start(base.uuid)
  await until('the guest boots', 120_000, () => guestAnswers(agentOf(base), 1_000))
  const copied = await machines.clone(base.uuid, {
    name: 'copy',
    face: 'gvcopy',
    gateways: ['10.78.2.1/24'],
    addresses: [],
  })
  assert.ok(copied.ok)
  copy = copied.value
  await until('the copy answers', 10_000, () => guestAnswers(agentOf(copy), 1_000))
  await until('the agent knows them', 40_000, () =>
    on.server.reports.some(({ workloads }) => workloads?.filter(({ driver }) => driver === 'qemu').length === 2),
  )
})
const keyOf = (uuid: string) => `vm:${uuid}`

function rules(allowed: readonly { readonly peer: string; readonly port: number }[]): RuleList {
  return {
    rules: allowed.map(({ peer, port }, i) => ({
      verdict: 'allow',
      match: { peer: { kind: 'cidr', cidr: peer }, service: { protocol: 'tcp', from: port, to: port } },
      why: { rule: `vm/${i}`, text: 'it may' },
    })),
    otherwise: 'deny',
    why: { rule: 'default-deny', text: 'nothing else may' },
  }
}

function wearing(persona: string, wears: (machine: Machine) => Partial<DesiredState>): AgentState {
  const state = on.range.state(on.next(), 0)
  const worn = [base, copy].map(
    (machine): DesiredState => ({
      workload: machine.name,
      key: keyOf(machine.uuid),
      persona: { id: persona, name: persona, version: 1 },
      egress: rules([]),
      ingress: rules([]),
      containment: null,
      ...wears(machine),
    }),
  )
  return { ...state, confirmWithinMs: 60_000, workloads: [...state.workloads, ...worn] }
}

/** A guest under full emulation, beside other tests, takes its time: longer than a namespace does. */
async function apply(state: AgentState, answer: 'confirm' | 'nothing', reaches: string): Promise<void> {
  on.server.whenConfirming = answer
  on.server.send({ type: 'state', state })
  await until(`${reaches}: generation ${state.generation.n}`, 90_000, () => {
    const { applied } = on.server.last
    if (applied?.generation.n !== state.generation.n) return false
    if (String(applied.state) === 'refused') throw new Error(`refused: ${applied.why}`)
    return String(applied.state) === reaches
  })
}

/** Answers the status of the page, or what curl ended with. */
async function fetched(url: string, ...rest: string[]): Promise<string> {
  const argv = ['-s', '-k', '-m', '4', '-o', '/dev/null', '-w', '%{http_code}', ...rest, url]
  return inNamespace('out', 'curl', ...argv).then(
    ({ stdout }) => stdout,
    (error: { code?: number }) => `curl ${error.code}`,
  )
}

const network = { addresses: ['10.78.2.2/24', 'fd78:2::2/64'], gateways: ['10.78.2.1', 'fd78:2::1'] }
const web = {
  ingress: rules([
    { peer: OUTSIDE, port: 80 },
    { peer: OUTSIDE, port: 443 },
  ]),
}
const ofCopy = (worn: Partial<DesiredState>) => (machine: Machine) => (machine === copy ? worn : {})

test('a copy gets an address of its own before its uplink opens, a resolver, and the rules of its persona', {
  skip,
}, async () => {
  const dns = { servers: ['10.77.53.53'], search: ['vm.lab.internal'] }
  assert.ok((await machines.connect(copy.uuid, 'open')).ok)
  await apply(wearing('web', ofCopy({ ...web, network, dns })), 'confirm', 'confirmed')
  assert.match(await inGuest(copy, 'cat', '/etc/resolv.conf'), /nameserver 10\.77\.53\.53\nsearch vm\.lab\.internal/)
  assert.match(await inGuest(copy, 'ip', 'route'), /default via 10\.78\.2\.1 dev eth0 src 10\.78\.2\.2/)
  assert.equal(await fetched('http://10.78.2.2/name'), '200')
  assert.equal(await fetched('https://10.78.2.2/name'), '200')
})

test('shifted, it is denied in both directions; not confirmed, everything comes back', { skip }, async () => {
  await apply(wearing('closed', ofCopy({ network })), 'confirm', 'confirmed')
  assert.equal(await fetched('http://10.78.2.2/name'), 'curl 28')
  assert.equal(await inGuest(copy, 'cat', '/etc/resolv.conf'), '', 'the resolver is as it was before us')
  const other = { addresses: ['10.78.2.9/24'], gateways: ['10.78.2.1'] }
  const state = wearing('open', ofCopy({ ...web, network: other }))
  await apply({ ...state, confirmWithinMs: 15_000 }, 'nothing', 'confirming')
  assert.equal(await fetched('http://10.78.2.9/name'), '200')
  await until('rolled back', 60_000, () => String(on.server.last.applied?.state) === 'rolled-back')
  assert.match(await inGuest(copy, 'ip', '-br', 'addr', 'show', 'eth0'), /10\.78\.2\.2\/24 fd78:2::2\/64/)
  assert.doesNotMatch(await inGuest(copy, 'ip', '-br', 'addr', 'show', 'eth0'), /10\.78\.2\.9/)
  assert.equal(await fetched('http://10.78.2.2/name'), 'curl 28')
})

/** Bits per second of what comes out of the copy, headers left out. */
async function speed(bytes: number): Promise<number> {
  const argv = [
    '-s',
    '-m',
    '20',
    '-r',
    `0-${bytes - 1}`,
    '-o',
    '/dev/null',
    '-w',
    '%{speed_download}',
    'http://10.78.2.2/zeros',
  ]
  return Number((await inNamespace('out', 'curl', ...argv)).stdout) * 8
}

test('its rate is held on our end of its link, its processor time by its cgroup; both end with the persona', {
  skip,
}, async (t) => {
  const open = ofCopy({ ...web, network })
  await apply(wearing('free', open), 'confirm', 'confirmed')
  const free = await speed(20_000_000)
  const rate = { rate: 10_000_000, ceiling: 10_000_000 }
  await apply(wearing('slow', ofCopy({ ...web, network, bandwidth: { up: rate, down: rate } })), 'confirm', 'confirmed')
  const held = await speed(6_000_000)
  await apply(wearing('small', ofCopy({ ...web, network, cpu: { cores: 0.05 } })), 'confirm', 'confirmed')
  const small = await speed(2_000_000)
  await apply(wearing('free', open), 'confirm', 'confirmed')
  const again = await speed(20_000_000)
  const words = [free, held, small, again].map((bits) => (bits / 1e6).toFixed(2))
  t.diagnostic(`Mbit/s free ${words[0]}, 10 Mbit/s ${words[1]}, 0.05 processors ${words[2]}, free again ${words[3]}`)
  assert.ok(held >= 9_000_000 && held <= 10_500_000, `10 Mbit/s measured as ${words[1]}`)
  assert.ok(small < Math.min(free, again) / 2, `0.05 processors: ${words[2]} of ${words[0]} and ${words[3]}`)
})

const placeOf = (machine: Machine): Place => ({
  key: keyOf(machine.uuid),
  namespace: null,
  face: machine.face,
  addresses: [],
  cgroup: cgroupOf(machine.uuid),
  root: null,
  monitor: socketsOf(machine.uuid).monitor,
})
const refOf = (secret: string) => ({ secret, version: 1, digest: 'A'.repeat(43) })

/** As `wg genkey` and `wg pubkey` say them. */
function keyPair(): { privateKey: string; publicKey: string } {
  const raw = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' })
  const privateKey = Buffer.from(raw.d as string, 'base64url').toString('base64')
  return { privateKey, publicKey: publicKeyOf(privateKey) }
}

test('a tunnel between two guests shakes hands, follows its wish, and goes', { skip }, async () => {
  const keys = new Map([base, copy].map((machine) => [machine, keyPair()] as const))
  keepSecretsIn(on.range.home)
  const open: Partial<DesiredState> = {
    egress: { ...rules([]), otherwise: 'allow' },
    ingress: { ...rules([]), otherwise: 'allow' },
  }
  const at = (machine: Machine) => (machine === base ? '10.78.1.2' : '10.78.2.2')
  const networkOf = (machine: Machine) => ({
    addresses: [`${at(machine)}/24`],
    gateways: [machine === base ? '10.78.1.1' : '10.78.2.1'],
  })
  await apply(
    wearing('peers', (machine) => ({ ...open, network: networkOf(machine) })),
    'confirm',
    'confirmed',
  )
  // An agent keeps the secrets that a state in force names, and no others.
  for (const [machine, { privateKey }] of keys) writeSecret(refOf(`key-${machine.name}`), privateKey)
  const wish = (own: Machine, peer: Machine): Vpn => ({
    interface: 'wg0',
    addresses: [own === base ? '10.9.0.1/24' : '10.9.0.2/24'],
    listenPort: 51_820,
    privateKey: refOf(`key-${own.name}`),
    peers: [
      {
        publicKey: keys.get(peer)!.publicKey,
        endpoint: `${at(peer)}:51820`,
        keepalive: 1,
        allowedIPs: [peer === base ? '10.9.0.1/32' : '10.9.0.2/32'],
      },
    ],
  })
  for (const [own, peer] of [
    [base, copy],
    [copy, base],
  ] as const) {
    const place = placeOf(own)
    const original = await guestVpn.capture(place)
    assert.equal(original.tunnel, null)
    const wanted = guestVpn.wanted(place, original, wish(own, peer))
    await guestVpn.converge(place, wanted)
    assert.equal(guestVpn.normalise(await guestVpn.capture(place)), guestVpn.normalise(wanted))
  }
  await until('they shake hands', 20_000, async () =>
    /\t[1-9]/.test(await inGuest(copy, 'wg', 'show', 'wg0', 'latest-handshakes')),
  )
  const moved = guestVpn.wanted(
    placeOf(copy),
    { tunnel: null, others: [] },
    { ...wish(copy, base), addresses: ['10.9.0.7/24'] },
  )
  await guestVpn.converge(placeOf(copy), moved)
  assert.match(await inGuest(copy, 'ip', '-br', 'addr', 'show', 'wg0'), /10\.9\.0\.7\/24/)
  assert.doesNotMatch(await inGuest(copy, 'ip', '-br', 'addr', 'show', 'wg0'), /10\.9\.0\.2/)
  assert.match(await inGuest(copy, 'wg', 'show', 'wg0', 'latest-handshakes'), /\t[1-9]/, 'its session went on')
  for (const machine of [base, copy]) {
    for (const step of guestVpn.undo(placeOf(machine), { tunnel: null, others: [] }, moved)) await runStep(step)
    assert.doesNotMatch(await inGuest(machine, 'ip', '-br', 'link'), /wg0/)
  }
})

test('a certificate is served by the next connection, and the one before us is served again after it', {
  skip,
}, async () => {
  const name = 'web.lab.internal'
  const { certificate, key } = await bootCertificate(name)
  writeSecret(refOf('web-cert'), certificate)
  writeSecret(refOf('web-key'), key)
  const trusted = join(on.range.dir, 'trusted.pem')
  writeFileSync(trusted, certificate)
  const served = () =>
    inNamespace(
      'out',
      'curl',
      '-s',
      '-m',
      '4',
      '--cacert',
      trusted,
      '--resolve',
      `${name}:443:10.78.2.2`,
      `https://${name}/name`,
    ).then(
      ({ stdout }) => stdout.trim(),
      (error: { code?: number }) => `curl ${error.code}`,
    )
  assert.equal(await served(), 'curl 60', 'another certificate')
  const wish: Tls = {
    certificates: [
      {
        name: 'web',
        given: { certificate: refOf('web-cert'), privateKey: refOf('web-key') },
        reload: { signal: 'HUP', pidFile: '/run/nginx.pid' },
      },
    ],
  }
  const place = placeOf(copy)
  const original = await guestTls.capture(place)
  const wanted = guestTls.wanted(place, original, wish)
  await guestTls.converge(place, wanted)
  await until('it is served', 10_000, async () => (await served()) === 'guest')
  assert.equal(guestTls.normalise(await guestTls.capture(place)), guestTls.normalise(wanted))
  await runInGuest(agentOf(copy), 'tee', ['/etc/guise/tls/web/current/cert.pem'], 'somebody else')
  assert.notEqual(guestTls.normalise(await guestTls.capture(place)), guestTls.normalise(wanted))
  await guestTls.converge(place, wanted)
  assert.equal(guestTls.normalise(await guestTls.capture(place)), guestTls.normalise(wanted))
  for (const step of guestTls.undo(place, original, wanted)) await runStep(step)
  await until('the one before is served', 10_000, async () => (await served()) === 'curl 60')
})
