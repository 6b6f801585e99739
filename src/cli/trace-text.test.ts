import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTraceLine, type TracedFlow } from '../compile/trace.ts'
import { addLine, type Ends, type TracedPacket, traceText } from './trace-text.ts'

const flow: TracedFlow = { from: '10.77.10.2', to: '10.77.1.2', protocol: 'tcp', port: 5_432 }
const ends: Ends = {
  flow,
  ids: new Map([['persona_x~1', 'persona:x']]),
  why: (id, chain, { enters }) =>
    id === 'default-deny' ? `no rule of ${enters} names it (${chain.slice(0, 1)})` : null,
}

/** As nft 1.0.6 prints it on kernel 6.18. */
const LINES = `
trace id 58e0 inet guise forward_egress packet: iif "idle2" oif "db1" @ll,0,112 0x800 ip saddr 10.77.10.2 ip daddr 10.77.1.2 ip ttl 63 ip protocol tcp ip length 60 tcp sport 45304 tcp dport 5432 tcp flags == syn tcp window 65495
trace id 58e0 inet guise forward_egress rule jump link (verdict jump link)
trace id 58e0 inet guise e_0a rule counter packets 0 bytes 0 goto d_1 comment "default-deny" (verdict goto d_1)
trace id 58e0 inet guise d_1 rule limit rate 20/second burst 40 packets log prefix "default-deny" group 7 snaplen 128 (verdict continue)
trace id 58e0 inet guise d_1 rule counter packets 0 bytes 0 drop comment "default-deny" (verdict drop)
trace id bbbb inet guise forward_egress packet: iif "idle2" oif "db1" ip saddr 10.77.10.2 ip daddr 10.77.1.2 ip protocol icmp icmp type echo-request icmp code 0
trace id cccc inet guise forward_egress packet: iif "idle2" oif "db1" ip saddr 10.77.10.2 ip daddr 10.77.1.2 ip protocol tcp tcp sport 5432 tcp dport 80 tcp flags == syn
trace id aaaa inet guise forward_egress packet: iif "web1" oif "db1" ip saddr 10.77.5.2 ip daddr 10.77.1.2 ip protocol tcp tcp sport 1 tcp dport 5432 tcp flags == syn
trace id 77 ip filter DOCKER packet: iif "db1" oif "idle2" ip saddr 10.77.1.2 ip daddr 10.77.10.2 ip protocol tcp tcp sport 5432 tcp dport 45304 tcp flags == 0x12
trace id 77 inet guise i_1 rule accept comment "persona_x~1" (verdict accept)
trace id 77 ip filter DOCKER rule drop (verdict drop)
nonsense`

function read(): TracedPacket[] {
  const found = new Map<string, TracedPacket>()
  for (const text of LINES.split('\n')) {
    const line = readTraceLine(text)
    if (line !== null) addLine(found, line, ends, Date.UTC(2026, 10, 21, 14, 22, 7, 123))
  }
  return [...found.values()]
}

test('a packet, each rule that judged it, whose rule it was, and what became of it', () => {
  assert.equal(
    traceText(flow, read(), 10),
    `14:22:07.123  10.77.10.2:45304 → 10.77.1.2:5432  tcp syn  (in idle2, out db1)
  drop    default-deny: no rule of idle2 names it (e)  [e_0a]
  = dropped

14:22:07.123  10.77.1.2:5432 → 10.77.10.2:45304  tcp 0x12  (in db1, out idle2)
  accept  persona:x  [i_1]
  drop    drop: Table ip filter is not ours: nothing of Guise can lift what it drops.  [ip filter DOCKER]
  = dropped`,
  )
})

test('nothing seen is an answer', () => {
  assert.match(traceText(flow, [], 10), /^No packet from 10.77.10.2 to 10.77.1.2 port 5432 \(tcp\) came through/)
})
