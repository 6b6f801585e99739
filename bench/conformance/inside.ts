/**
 * One pod: runs inside its namespace for as long as the bench does, serves its ports and asks others. Requests and answers are
 * lines of JSON; ends when its input does. A probe is answered true as soon as the server's word came back.
 */
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import koffi from 'koffi'
import { answerLines } from '../child.ts'
import { octets } from '../dispatch/packets.ts'
import { initAckPacket, initPacket, isInit, isInitAck, readSctp } from './sctp.ts'

type Service = { readonly address: string; readonly port: number; readonly protocol: 'tcp' | 'udp' | 'sctp' }
export type Request =
  | ({ readonly op: 'serve' } & Service)
  | ({ readonly op: 'ask'; readonly boundMs: number; readonly attempt: number } & Service)

const AGAIN_MS = 100
const [AF_INET, AF_INET6, SOCK_RAW, SOCK_NONBLOCK, IPPROTO_SCTP] = [2, 10, 3, 0x800, 132]

function serve({ protocol, address, port }: Service): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  if (protocol === 'tcp') {
    createServer((peer) => peer.on('error', () => {}).end('here'))
      .on('error', reject)
      .listen(port, address, resolve)
  } else if (protocol === 'udp') {
    const server = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    server.on('message', (_, from) => server.send('here', from.port, from.address, () => {}))
    server.on('error', reject).bind(port, address, resolve)
  } else {
    const raw = rawSctp(address)
    raw.served.add(port)
    resolve()
  }
  return promise
}

async function ask(request: Extract<Request, { op: 'ask' }>): Promise<boolean> {
  const end = performance.now() + request.boundMs
  const { address, port } = request
  if (request.protocol === 'tcp') return await askTcp(address, port, request.boundMs)
  if (request.protocol === 'udp') return await askUdp(address, port, end)
  const raw = rawSctp(address)
  const from = 20_000 + (request.attempt % 40_000)
  const key = `${address} ${port} ${from}`
  while (performance.now() < end && !raw.answered.has(key)) {
    raw.send(address, initPacket(from, port, 0x10000 + from))
    await wait(AGAIN_MS)
  }
  return raw.answered.has(key)
}

function askTcp(address: string, port: number, boundMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const peer = connect(port, address)
  const timer = setTimeout(() => finish(false), boundMs)
  const finish = (arrived: boolean) => {
    clearTimeout(timer)
    peer.destroy()
    resolve(arrived)
  }
  peer.on('data', () => finish(true)).on('error', () => finish(false))
  return promise
}

async function askUdp(address: string, port: number, end: number): Promise<boolean> {
  const peer = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  let arrived = false
  peer.on('message', () => {
    arrived = true
  })
  peer.on('error', () => {})
  while (!arrived && performance.now() < end) {
    peer.send('you', port, address, () => {})
    await wait(AGAIN_MS / 4)
  }
  peer.close()
  return arrived
}

type RawSctp = {
  readonly served: Set<number>
  /** `ADDRESS PORT OWN-PORT` of every INIT ACK */
  readonly answered: Set<string>
  send(to: string, bytes: Buffer): void
}
const families = new Map<boolean, RawSctp>()

/** One raw socket per family reads and answers everything of protocol 132 that reaches this namespace. */
function rawSctp(address: string): RawSctp {
  const v6 = address.includes(':')
  const known = families.get(v6)
  if (known !== undefined) return known
  const libc = koffi.load('libc.so.6')
  const sendto = libc.func('long sendto(int, void *, size_t, int, void *, uint)')
  const recvfrom = libc.func('long recvfrom(int, void *, size_t, int, void *, void *)')
  const fd = libc.func('int socket(int, int, int)')(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_SCTP)
  if ((fd as number) < 0) throw new Error(`no raw socket for SCTP: errno ${koffi.errno()}`)
  const raw: RawSctp = {
    served: new Set(),
    answered: new Set(),
    send(to, bytes) {
      const target = Buffer.alloc(v6 ? 28 : 16)
      target.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0)
      octets(to, v6).copy(target, v6 ? 8 : 4)
      sendto(fd, bytes, bytes.length, 0, target, target.length)
    },
  }
  const buffer = Buffer.alloc(2_048)
  setInterval(() => {
    for (;;) {
      const source = Buffer.alloc(28)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(source.length)
      const read = recvfrom(fd, buffer, buffer.length, 0, source, length) as number
      if (read <= 0) return
      // IPv4 gives its header as well (raw(7)), IPv6 does not (RFC 3542).
      const header = v6 ? 0 : (buffer[0]! & 15) * 4
      const packet = readSctp(buffer.subarray(header, read))
      if (packet === null) continue
      const peer = v6 ? ipv6Text(source.subarray(8, 24)) : [...source.subarray(4, 8)].join('.')
      if (isInit(packet) && raw.served.has(packet.to)) raw.send(peer, initAckPacket(packet))
      if (isInitAck(packet)) raw.answered.add(`${peer} ${packet.from} ${packet.to}`)
    }
  }, 10)
  families.set(v6, raw)
  return raw
}

function ipv6Text(bytes: Buffer): string {
  const words = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  return words.join(':').replace(/(^|:)0(:0)+(:|$)/, '::')
}

await answerLines<Request>((request) => (request.op === 'serve' ? serve(request) : ask(request)), 'at once')
