/** The program says of every packet what a slow and obvious reading of the rules says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cidrContains, isV4, parseAddress, parseCidr } from '../../model/address.ts'
import { INSPECTION_LEVELS, type InspectionWish, type Mirrored } from '../../model/facets/inspection.ts'
import type { RuleMatch } from '../../model/rule-match.ts'
import { instructionsOf, mirrorProgram, type Way } from './mirror-program.ts'

type Packet = {
  readonly source: string
  readonly destination: string
  readonly protocol: number
  /** Or an ICMP type, the first. */
  readonly ports: readonly [number, number]
  readonly options: number
  readonly fragment: number
  readonly flags: number
}

/** From the network header on, as the program reads it. */
function bytesOf({ source, destination, protocol, ports, options, fragment, flags }: Packet): Buffer {
  const [from, to] = [parseAddress(source)!, parseAddress(destination)!]
  const four = isV4(from)
  const head = Buffer.alloc(four ? 20 + 4 * options : 40)
  if (four) {
    head[0] = 0x40 + 5 + options
    head.writeUInt16BE(fragment, 6)
    head[9] = protocol
    head.writeUInt32BE(from[3], 12)
    head.writeUInt32BE(to[3], 16)
  } else {
    head[6] = protocol
    for (let i = 0; i < 4; i++) {
      head.writeUInt32BE(from[i]!, 8 + 4 * i)
      head.writeUInt32BE(to[i]!, 24 + 4 * i)
    }
  }
  const body = Buffer.alloc(20)
  if (isIcmp(protocol)) body[0] = ports[0] & 0xff
  else {
    body.writeUInt16BE(ports[0], 0)
    body.writeUInt16BE(ports[1], 2)
  }
  body[13] = flags
  return Buffer.concat([head, body])
}

const isIcmp = (protocol: number) => protocol === 1 || protocol === 58

/** The few instructions of bpf(4) that are used; throws where the kernel's checker would refuse. */
function copies(packet: Packet, wish: InspectionWish, way: Way): boolean {
  const program = instructionsOf(wish, way)
  if (program === null) return false
  const bytes = bytesOf(packet)
  const read = (k: number, size: 1 | 2 | 4): number => {
    if (k === -0x1000) return isV4(parseAddress(packet.source)!) ? 0x0800 : 0x86dd
    return bytes.readUIntBE(k + 0x100000, size)
  }
  let [a, x] = [0, 0]
  for (let at = 0; ; at++) {
    const [code, yes, no, k] = program.at(at) as readonly [number, number, number, number]
    assert.ok(yes < 256 && no < 256)
    const jump = (holds: boolean) => {
      at += holds ? yes : no
    }
    if (code === 0x20) a = read(k, 4)
    else if (code === 0x28) a = read(k, 2)
    else if (code === 0x30) a = read(k, 1)
    else if (code === 0x48) a = read(x + k, 2)
    else if (code === 0x50) a = read(x + k, 1)
    else if (code === 0xb1) x = 4 * (read(k, 1) & 0x0f)
    else if (code === 0x54) a = (a & k) >>> 0
    else if (code === 0x05) at += k
    else if (code === 0x15) jump(a === k)
    else if (code === 0x25) jump(a > k)
    else if (code === 0x35) jump(a >= k)
    else if (code === 0x45) jump((a & k) !== 0)
    else if (code === 0x06) return k !== 0
    else assert.fail(`instruction ${code}`)
  }
}

const NUMBERS = { tcp: 6, udp: 17, sctp: 132, icmp: 1, icmp6: 58 } as const
const ANSWERS4: Readonly<Record<number, number>> = { 8: 0, 13: 14 }
const ANSWERS6: Readonly<Record<number, number>> = { 128: 129 }

function fits(packet: Packet, { direction, match: { peer, service } }: Mirrored, way: Way): boolean {
  const isQuestion = (direction === 'egress') === (way === 'sent')
  const other = parseAddress(way === 'sent' ? packet.destination : packet.source)!
  const four = isV4(other)
  const holds = (text: string) => {
    const cidr = parseCidr(text)!
    return isV4(cidr.base) === four && cidrContains(cidr, other)
  }
  if (peer.kind === 'set') return false
  if (peer.kind === 'cidr' && (!holds(peer.cidr) || peer.except?.some(holds))) return false
  if (service === null) return true
  const protocol = service.protocol.replace('-any', '') as keyof typeof NUMBERS
  if (protocol === 'icmp6' && four) return false
  if (packet.protocol !== (protocol === 'icmp' && !four ? 58 : NUMBERS[protocol])) return false
  if ('type' in service) {
    if (service.type === null) return true
    const asked = protocol === 'icmp' && !four && service.type === 8 ? 128 : service.type
    const answered = (four ? ANSWERS4 : ANSWERS6)[asked] ?? asked
    return (packet.ports[0] & 0xff) === (isQuestion ? asked : answered)
  }
  if (!('from' in service)) return true
  if (isLaterFragment(packet)) return false
  const port = packet.ports[isQuestion ? 1 : 0]
  return port >= service.from && port <= service.to
}

const isLaterFragment = ({ source, fragment }: Packet) => source.includes('.') && (fragment & 0x1fff) !== 0

function opens(packet: Packet): boolean {
  if (isIcmp(packet.protocol)) return true
  if (isLaterFragment(packet)) return false
  if (packet.protocol === 6) return (packet.flags & 7) !== 0
  return packet.protocol === 17 && packet.ports.includes(53)
}

const NETS4 = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '192.0.2.128/25']
const NETS6 = ['::/0', 'fd00::/8', 'fd00:1::/33', 'fd00:1::5', '2001:db8::/32']
const HOSTS4 = ['10.1.2.3', '10.1.9.9', '10.200.0.1', '192.0.2.5', '192.0.2.200']
const HOSTS6 = ['fd00:1::5', 'fd00:1:8000::5', 'fd77::1', '2001:db8::9', '::1']
const port = fc.constantFrom(0, 8, 13, 14, 53, 80, 128, 129, 443, 444, 65_535)
const peer: fc.Arbitrary<RuleMatch['peer']> = fc.oneof(
  fc.constant({ kind: 'any' } as const),
  fc.record({
    kind: fc.constant('cidr' as const),
    cidr: fc.constantFrom(...NETS4, ...NETS6),
    except: fc.array(fc.constantFrom(...NETS4, ...NETS6), { maxLength: 3 }),
  }),
)
const service: fc.Arbitrary<RuleMatch['service']> = fc.oneof(
  fc.constant(null),
  fc.constantFrom(...(['tcp-any', 'udp-any', 'sctp-any'] as const)).map((protocol) => ({ protocol })),
  fc.tuple(fc.constantFrom('tcp', 'udp', 'sctp'), port, port).map(([protocol, a, b]) => ({
    ...{ protocol, from: Math.min(a, b), to: Math.max(a, b) },
  })),
  fc.record({ protocol: fc.constantFrom('icmp', 'icmp6'), type: fc.constantFrom(null, 0, 3, 8, 13, 128) }),
)
const rule: fc.Arbitrary<Mirrored> = fc.record({
  rule: fc.constant('p/0'),
  direction: fc.constantFrom('egress', 'ingress'),
  match: fc.record({ peer, service }),
})
const packet: fc.Arbitrary<Packet> = fc.boolean().chain((four) =>
  fc.record({
    source: fc.constantFrom(...(four ? HOSTS4 : HOSTS6)),
    destination: fc.constantFrom(...(four ? HOSTS4 : HOSTS6)),
    protocol: fc.constantFrom(6, 17, 132, 47, four ? 1 : 58),
    ports: fc.tuple(port, port),
    options: fc.constantFrom(0, 0, 3),
    fragment: fc.constantFrom(0, 0, 0x4000, 0x2000, 7),
    flags: fc.constantFrom(0, 2, 0x10, 0x11),
  }),
)

test('a packet is copied when one of the rules fits it, or the level, in both directions and families', () => {
  const rules = fc.array(rule, { maxLength: 4 })
  const level = fc.constantFrom(...INSPECTION_LEVELS)
  fc.assert(
    fc.property(rules, level, packet, fc.constantFrom('sent', 'got'), (mirrored, at, one, way) => {
      const byLevel = at === 'signatures' || at === 'full' || (at === 'flows' && opens(one))
      const wanted = byLevel || mirrored.some((each) => fits(one, each, way))
      assert.equal(copies(one, { level: at, mirrored }, way), wanted)
    }),
    { numRuns: 5_000 },
  )
})

const PICKED: RuleMatch['peer'] = { kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.9.0.0/16'] }

test("one rule, and a level, in tc's words", () => {
  const web = { protocol: 'tcp', from: 80, to: 81 } as const
  const mirrored: Mirrored[] = [{ rule: 'p/0', direction: 'egress', match: { peer: PICKED, service: web } }]
  assert.equal(
    mirrorProgram({ level: 'none', mirrored }, 'sent'),
    '26,40 0 0 4294963200,21 1 0 2048,5 0 0 22,48 0 0 4293918729,21 1 0 6,5 0 0 18,32 0 0 4293918736,84 0 0 4278190080,21 1 0 167772160,5 0 0 14,32 0 0 4293918736,84 0 0 4294901760,21 0 1 168361984,5 0 0 10,40 0 0 4293918726,69 0 1 8191,5 0 0 7,177 0 0 4293918720,72 0 0 4293918722,53 1 0 80,5 0 0 3,37 0 1 81,5 0 0 1,6 0 0 4294967295,6 0 0 0,6 0 0 0',
  )
  assert.equal(mirrorProgram({ level: 'full', mirrored }, 'sent'), '1,6 0 0 4294967295')
  assert.equal(mirrorProgram({ level: 'none' }, 'sent'), null)
})
