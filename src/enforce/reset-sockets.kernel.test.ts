/** `onDeny: reset` through the real agent: programs that wait in a read, TCP and UDP, learn of a shift that denies them at once. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { after, test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { until } from '../../bench/kill/range.ts'
import { namespaceOf } from '../../lab/topology.ts'
import { needRoot } from '../../test/need.ts'
import type { AgentState, DesiredState, RuleList } from '../model/desired.ts'

const skip = needRoot()
const on = agentOnRange('rs', skip)
const started: ChildProcess[] = []
after(() => {
  for (const child of started) child.kill('SIGKILL')
})

/** `serve PORT` answers both protocols; `tcp|udp ADDRESS PORT` asks once, says `open`, waits, and says what ended it. */
const PROGRAM = `
import socket, sys, threading
kind, at, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ':' in at else socket.AF_INET
def answer(one):
    try:
        while (said := one.recv(99)): one.send(said)
    except OSError: pass
if kind == 'serve':
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); udp.bind(('::', port))
    def echo():
        while True:
            said, who = udp.recvfrom(99); udp.sendto(said, who)
    threading.Thread(target=echo, daemon=True).start()
    tcp = socket.create_server(('::', port), family=socket.AF_INET6, dualstack_ipv6=True)
    print('open', flush=True)
    while True:
        one, _ = tcp.accept(); threading.Thread(target=answer, args=(one,), daemon=True).start()
one = socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
one.settimeout(10); one.connect((at, port)); one.send(b'?'); one.recv(9); one.settimeout(None)
print('open', flush=True)
try: print('heard', one.recv(9), flush=True)
except OSError as error: print(error.errno, flush=True)
`
const ECONNABORTED = '103'

async function program(name: string, kind: 'serve' | 'tcp' | 'udp', address: string, port: number) {
  const space = `/run/netns/${namespaceOf(on.range.plan.prefix, name)}`
  const argv = [`--net=${space}`, 'python3', '-c', PROGRAM, kind, address, String(port)]
  const child = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(child)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await until(`${name} ${kind} ${address} ${port} is open`, 15_000, () => said.startsWith('open'))
  return () => said.trim().split('\n').slice(1).join()
}

const allow = (rule: string, from: number, to: number): RuleList['rules'][number] => ({
  verdict: 'allow',
  match: { peer: { kind: 'any' }, service: { protocol: from > 5_000 ? 'udp' : 'tcp', from, to } },
  why: { rule, text: rule },
})
const list = (rules: RuleList['rules'], otherwise: 'allow' | 'deny'): RuleList => ({
  rules,
  otherwise,
  why: { rule: `default-${otherwise}`, text: 'what no rule names' },
})

/** The first workload wears `own`; the others let everything pass. */
function stateWith(own: Partial<DesiredState>): AgentState {
  const plain = on.range.state(on.next(), 0)
  const open = { egress: list([], 'allow'), ingress: list([], 'allow') }
  const workloads = plain.workloads.map(({ workload, key, persona }, i) => ({
    ...{ workload, key, persona, ...open, containment: null },
    ...(i === 0 ? own : {}),
  }))
  const neverBlock = ['10.77.3.2']
  return { ...plain, workloads, sets: [{ name: 'unused', members: ['::/0'] }], neverBlock, confirmWithinMs: 20_000 }
}

const told = () => on.server.last.applied?.probes.filter(({ name }) => name === 'sockets') ?? []

test('programs that wait learn of it at once; what is still allowed, spared or not asked for goes on', {
  skip,
}, async () => {
  for (const name of ['wa', 'wb', 'wc']) await program(name, 'serve', '::', 4_100)
  await on.apply(stateWith({}), 'confirm', 'confirmed')
  const denied = [
    await program('wa', 'tcp', '10.77.2.2', 4_100),
    await program('wa', 'udp', '10.77.2.2', 4_100),
    await program('wa', 'tcp', 'fd77:0:2::2', 4_100),
    await program('wb', 'tcp', '10.77.1.2', 4_100),
  ]
  const spared = await program('wa', 'tcp', '10.77.3.2', 4_100)
  await program('wb', 'serve', '::', 4_200)
  const allowed = await program('wa', 'tcp', '10.77.2.2', 4_200)
  const only = { egress: list([allow('only/egress', 4_200, 4_200)], 'deny'), ingress: list([], 'deny') }

  // Without the word nothing is ended: packets are denied, and who waits goes on waiting.
  await on.apply(stateWith(only), 'confirm', 'confirmed')
  assert.deepEqual(
    denied.map((said) => said()),
    ['', '', '', ''],
  )
  assert.deepEqual(told(), [])

  await on.apply(stateWith({ ...only, onDeny: 'reset' }), 'nothing', 'confirming')
  await until('the programs heard of it', 2_000, () => denied.slice(0, 3).every((said) => said() !== ''))
  assert.deepEqual(
    denied.map((said) => said()),
    // Of what it had accepted its own end is gone, and the rules let no word of that out.
    [ECONNABORTED, ECONNABORTED, ECONNABORTED, ''],
  )
  assert.deepEqual([spared(), allowed()], ['', ''])
  const name = on.range.plan.workloads[0]!.name
  assert.deepEqual(told(), [{ name: 'sockets', ok: true, detail: `4 of ${name} reset, denied by default-deny` }])
  on.server.send({ type: 'confirm', generation: on.server.last.applied!.generation })
  await until('confirmed', 10_000, () => on.server.last.applied?.state === 'confirmed')

  const containment: DesiredState['containment'] = {
    directions: 'both',
    until: Date.now() + 60_000,
    why: { rule: 'contained', text: 'it is cut off' },
  }
  const dressed = on.server.last.applied!.generation.n
  await on.apply(stateWith({ ...only, onDeny: 'reset', containment }), 'nothing', 'confirmed')
  assert.ok(on.server.last.applied!.generation.n > dressed)
  await until('what was allowed heard of it', 5_000, () => allowed() === ECONNABORTED)
  await until('told', 5_000, () => told().length > 0)
  assert.match(told().at(-1)!.detail, /^1 of \w+ reset, denied by contained$/)
  assert.equal(spared(), '')
})
