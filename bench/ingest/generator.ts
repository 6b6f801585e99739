/**
 * Child of the ingest bench: sends flow datagrams at a pace, many a call (sendmmsg(2)), so that one core gives well above a
 * million flows a second. Told by messages, answers each with what was sent.
 */
import koffi from 'koffi'
import { createPool, type Pool, type Protocol } from './datagrams.ts'

export type SendOrder = {
  readonly protocol: Protocol
  readonly port: number
  readonly flows: number
  readonly perSecond: number
}
export type SendAnswer = { readonly sent: number; readonly seconds: number }

const AF_INET = 2
const SOCK_DGRAM = 2
const LOOPBACK = 0x7f000001
const PER_CALL = 64
const HEADER_BYTES = 64

const lib = koffi.load('libc.so.6')
const socket = lib.func('int socket(int, int, int)')
const connect = lib.func('int connect(int, void *, uint)')
const sendmmsg = lib.func('int sendmmsg(int, void *, uint, int)')
const close = lib.func('int close(int)')

const pools = new Map<Protocol, Pool>()
const turns = new Map<Protocol, { turn: number; next: number }>()
const sequences = new Map<string, number>()

process.on('message', (order: SendOrder) => {
  void send(order).then((answer) => process.send!(answer))
})
process.on('disconnect', () => process.exit(0))
process.send!('ready')

async function send({ protocol, port, flows, perSecond }: SendOrder): Promise<SendAnswer> {
  let pool = pools.get(protocol)
  if (pool === undefined) {
    pool = createPool(protocol, 7)
    pools.set(protocol, pool)
  }
  const at = turns.get(protocol) ?? { turn: 0, next: 0 }
  turns.set(protocol, at)
  const fd = open(port)
  const [headers, iovs] = [Buffer.alloc(PER_CALL * HEADER_BYTES), Buffer.alloc(PER_CALL * 16)]
  const addresses = pool.datagrams.map((datagram) => koffi.address(datagram))
  for (let i = 0; i < PER_CALL; i++) {
    headers.writeBigUInt64LE(koffi.address(iovs) + BigInt(i * 16), i * HEADER_BYTES + 16)
    headers.writeBigUInt64LE(1n, i * HEADER_BYTES + 24)
  }
  const began = performance.now()
  let sent = 0
  let sequence = sequences.get(`${protocol} ${port}`) ?? 0
  while (sent < flows) {
    const due = Math.min(flows, ((performance.now() - began) / 1_000) * perSecond)
    if (sent >= due) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      continue
    }
    const now = Date.now()
    for (let i = 0; i < PER_CALL; i++) {
      if (at.next === pool.datagrams.length) Object.assign(at, { turn: at.turn + 1, next: 0 })
      pool.renew(at.next, at.turn, sequence, now)
      sequence += pool.sequenceStep
      iovs.writeBigUInt64LE(addresses[at.next]!, i * 16)
      iovs.writeBigUInt64LE(BigInt(pool.datagrams[at.next]!.length), i * 16 + 8)
      at.next++
    }
    const n = sendmmsg(fd, headers, PER_CALL, 0)
    if (n < PER_CALL) throw new Error(`sendmmsg sent ${n} of ${PER_CALL} datagrams (errno ${koffi.errno()})`)
    sent += n * pool.recordsEach
  }
  sequences.set(`${protocol} ${port}`, sequence)
  close(fd)
  return { sent, seconds: (performance.now() - began) / 1_000 }
}

function open(port: number): number {
  const fd = socket(AF_INET, SOCK_DGRAM, 0) as number
  const name = Buffer.alloc(16)
  name.writeUInt16LE(AF_INET, 0)
  name.writeUInt16BE(port, 2)
  name.writeUInt32BE(LOOPBACK, 4)
  if (fd < 0 || connect(fd, name, 16) < 0) throw new Error(`no socket to port ${port} (errno ${koffi.errno()})`)
  return fd
}
