/**
 * A namespace from one end to the other, through the real agent: given a whole persona in one step, shifted, rolled back, and
 * taken away while it wears one.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { agentOnRange } from '../../../../bench/kill/agent-on-range.ts'
import { until } from '../../../../bench/kill/range.ts'
import { bootCertificate } from '../../../../guest/certificate.ts'
import { namespaceOf } from '../../../../lab/topology.ts'
import { needRoot } from '../../../../test/need.ts'
import {
  allowing,
  INNER,
  type Secrets,
  secretsOf,
  seenFrom,
  TEN_MBIT,
  TUNNEL_PORT,
} from '../../../../test/whole-persona.ts'
import type { AgentState, DesiredState } from '../../../model/desired.ts'
import type { WorkloadReport } from '../../../model/wire.ts'

const run = promisify(execFile)
const skip = needRoot()
const ADDRESS = '10.77.2.2'
const WORN = '10.79.0.2'
const PEER = '10.77.3.2'
const OUTSIDE = '172.31.77.2'
/** Of the router: where a published port is reached. */
const ROUTER = '172.31.77.1'
const PID_FILE = `/tmp/guise-persona-${process.pid}.pid`
let secrets: Secrets
let outside: ReturnType<typeof seenFrom>
let server: ChildProcess | null = null

after(() => {
  server?.kill('SIGKILL')
  rmSync(PID_FILE, { force: true })
})
const on = agentOnRange('ns', skip)
const space = (name: string) => namespaceOf(on.range.plan.prefix, name)
const within = async (name: string, ...argv: string[]) =>
  (await run('ip', ['netns', 'exec', space(name), ...argv])).stdout
const resolver = () => readFileSync(`/etc/netns/${space('wb')}/resolv.conf`, 'utf8')

/** A name, a long page and one that takes thought, also by TLS; with another certificate after SIGHUP, once there is one. */
const SERVER = `const [boot, worn] = process.argv.slice(1), fs = require('node:fs')
const busy = () => require('node:crypto').createHash('sha256').update(Buffer.alloc(30e6)).digest()
const answer = (q, a) => a.end(q.url === '/busy' ? (busy(), Buffer.alloc(1e6)) : q.url === '/name' ? 'namespace' : Buffer.alloc(5e6))
const pair = (at) => ({ cert: fs.readFileSync(at + '/fullchain.pem'), key: fs.readFileSync(at + '/key.pem') })
const secure = require('node:https').createServer(pair(boot), answer).listen(443)
process.on('SIGHUP', () => secure.setSecureContext(pair(worn)))
require('node:http').createServer(answer).listen(80)`

before(async () => {
  if (skip !== false) return
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  secrets = await secretsOf(on.range.home, on.range.dir)
  outside = seenFrom(space('out'))
  const { certificate, key } = await bootCertificate()
  writeFileSync(join(on.range.dir, 'fullchain.pem'), certificate)
  writeFileSync(join(on.range.dir, 'key.pem'), key)
  const worn = `/etc/guise/tls/${space('wb')}/web/current`
  const argv = [`--net=/run/netns/${space('wb')}`, process.execPath, '-e', SERVER, on.range.dir, worn]
  server = spawn('nsenter', argv, { stdio: 'ignore' })
  writeFileSync(PID_FILE, `${server.pid}\n`)
  for (const mount of ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup']) {
    const procs = `${mount}/${space('wb')}/cgroup.procs`
    if (existsSync(procs)) writeFileSync(procs, `${server.pid}`)
  }
  await until('it serves', 20_000, async () => (await outside.page(`https://${ADDRESS}/name`)) === 'namespace')
})

function wearing(persona: string, worn: Partial<DesiredState>, peer: Partial<DesiredState> = {}): AgentState {
  const state = on.range.state(on.next(), 0)
  const label = { id: persona, name: persona, version: 1 }
  const bare = { egress: allowing(), ingress: allowing(), containment: null }
  const workloads = state.workloads.map(({ workload, key }): DesiredState => {
    const own = key === space('wb') ? worn : key === space('wc') ? peer : {}
    return { workload, key, persona: label, ...bare, ...own }
  })
  return { ...state, confirmWithinMs: 60_000, workloads }
}
function apply(state: AgentState, answer: 'confirm' | 'nothing', reaches: string): Promise<void> {
  secrets.bring()
  return on.apply(state, answer, reaches, 60_000)
}

const web = { ingress: allowing(...[80, 443, 8_443].map((port) => ({ peer: OUTSIDE, port }))) }
const whole = (): Partial<DesiredState> => ({
  ...web,
  egress: allowing({ peer: PEER, protocol: 'udp', port: TUNNEL_PORT }),
  network: { addresses: [`${WORN}/24`], gateways: ['10.79.0.1'] },
  dns: { servers: ['10.77.53.54'], search: ['ns.lab.internal'] },
  vpn: secrets.tunnel('own', PEER),
  tls: {
    certificates: secrets.tls.certificates.map((one) => ({ ...one, reload: { signal: 'HUP', pidFile: PID_FILE } })),
  },
  publishedPorts: [{ protocol: 'tcp', port: 8_443, to: 443 }],
  bandwidth: { up: TEN_MBIT, down: TEN_MBIT },
  memory: { maxBytes: 512 << 20 },
})
/** The other end of its tunnel; it is called from the address before, as long as that lingers. */
const peer = () => ({
  ingress: allowing(...[ADDRESS, WORN].map((one) => ({ peer: one, protocol: 'udp' as const, port: TUNNEL_PORT }))),
  vpn: secrets.tunnel('peer', null),
})

test('it wears a whole persona, every facet in one step', { skip }, async (t) => {
  await apply(wearing('web', whole(), peer()), 'confirm', 'confirmed')
  assert.match(resolver(), /nameserver 10\.77\.53\.54\nsearch ns\.lab\.internal/)
  await until(
    'its certificate is served',
    10_000,
    async () => (await outside.trustedPage(WORN, 443, secrets.trusted)) === 'namespace',
  )
  assert.equal(await outside.trustedPage(ROUTER, 8_443, secrets.trusted), 'namespace', 'by its published port')
  await until('the tunnel carries packets', 20_000, () =>
    within('wc', 'ping', '-c', '1', '-W', '1', INNER.own).then(
      () => true,
      () => false,
    ),
  )
  const held = await outside.speed(`http://${WORN}/long`, 5_000_000)
  t.diagnostic(`10 Mbit/s measured as ${(held / 1e6).toFixed(2)}`)
  assert.ok(held >= 9e6 && held <= 10.5e6, `${held}`)
})

test('shifted, nothing of it is left but what the next persona wears too', { skip }, async (t) => {
  await apply(wearing('small', { ...web, cpu: { cores: 0.02 } }), 'confirm', 'confirmed')
  assert.equal(resolver(), 'nameserver 10.77.53.53\n')
  assert.doesNotMatch(await within('wb', 'ip', '-br', 'link'), /wg0/)
  assert.equal(existsSync(`/etc/guise/tls/${space('wb')}/web`), false)
  assert.equal(await outside.trustedPage(ROUTER, 8_443, secrets.trusted), 'curl 7')
  const small = await outside.speed(`http://${ADDRESS}/busy`, 1_000_000)
  await apply(wearing('free', web), 'confirm', 'confirmed')
  const free = await outside.speed(`http://${ADDRESS}/busy`, 1_000_000)
  t.diagnostic(`Mbit/s with 0.02 processors ${(small / 1e6).toFixed(2)}, with all ${(free / 1e6).toFixed(2)}`)
  assert.ok(small < free / 2, `${small} of ${free}`)
})

test('what nobody confirms comes off by itself; taken away, the others go on', { skip }, async () => {
  await apply({ ...wearing('open', whole(), peer()), confirmWithinMs: 3_000 }, 'nothing', 'rolled-back')
  assert.equal(resolver(), 'nameserver 10.77.53.53\n')
  assert.doesNotMatch(await within('wb', 'ip', '-br', 'link'), /wg0/)
  await apply(wearing('web', whole(), peer()), 'confirm', 'confirmed')
  const told = on.server.reports.length
  const left = JSON.parse(readFileSync(on.range.inventory, 'utf8')) as WorkloadReport[]
  writeFileSync(on.range.inventory, JSON.stringify(left.filter(({ key }) => key !== space('wb'))))
  await run('ip', ['netns', 'del', space('wb')])
  await until('the agent no longer names it', 40_000, () => {
    const named = on.server.reports.slice(told).flatMap(({ workloads }) => (workloads === undefined ? [] : [workloads]))
    return named.at(-1)?.some(({ key }) => key === space('wb')) === false
  })
  await apply(wearing('none', {}), 'confirm', 'confirmed')
})
