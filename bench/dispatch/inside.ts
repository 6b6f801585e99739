/**
 * Runs inside one namespace for as long as a bench does: sends crafted packets, serves and opens flows, says what
 * arrived. Requests and answers are lines of JSON; ends when its input does.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import koffi from 'koffi'
import { answerLines } from '../child.ts'
import { openEar } from './ear.ts'
import { octets } from './packets.ts'

export type Request =
  | { readonly op: 'send'; readonly packets: readonly { readonly to: string; readonly bytes: string }[] }
  | { readonly op: 'serve'; readonly address: string; readonly port: number; readonly protocol: 'tcp' | 'udp' }
  | { readonly op: 'open'; readonly address: string; readonly port: number; readonly protocol: 'tcp' | 'udp' }
  | { readonly op: 'read'; readonly flow: number }
  /** Every packet that reached this namespace since the last such request; the first one starts to listen. */
  | { readonly op: 'hear' }

type Flow = { bytes: number; error: string; ready: boolean }
const flows: Flow[] = []
const raw = new Map<boolean, number>()
const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int, int, int)')
const sendto = libc.func('long sendto(int, void *, size_t, int, void *, uint)')

const [AF_INET, AF_INET6, SOCK_RAW, IPPROTO_RAW] = [2, 10, 3, 255]

function send(to: string, bytes: Buffer): void {
  const v6 = to.includes(':')
  let fd = raw.get(v6)
  if (fd === undefined) {
    fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW) as number
    raw.set(v6, fd)
  }
  const address = Buffer.alloc(v6 ? 28 : 16)
  address.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0)
  octets(to, v6).copy(address, v6 ? 8 : 4)
  const sent = sendto(fd, bytes, bytes.length, 0, address, address.length) as number
  if (sent !== bytes.length) throw new Error(`sendto ${to}: errno ${koffi.errno()}`)
}

/** Servers answer a first word with a steady stream, so that a cut shows in both directions. */
function serve(address: string, port: number, protocol: 'tcp' | 'udp'): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  if (protocol === 'tcp') {
    const server = createServer((peer) => {
      const timer = setInterval(() => peer.write(Buffer.alloc(500)), 10)
      peer.on('error', () => {}).on('close', () => clearInterval(timer))
    })
    server.on('error', reject).listen(port, address, resolve)
    return promise
  }
  const server = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const peers = new Set<string>()
  server.on('message', (_, from) => {
    if (peers.has(`${from.port}`)) return
    peers.add(`${from.port}`)
    setInterval(() => server.send(Buffer.alloc(100), from.port, from.address, () => {}), 10)
  })
  server.on('error', reject).bind(port, address, resolve)
  return promise
}

function open(address: string, port: number, protocol: 'tcp' | 'udp'): number {
  const flow: Flow = { bytes: 0, error: '', ready: false }
  const failed = (error: NodeJS.ErrnoException) => {
    flow.error = error.code ?? error.message
  }
  if (protocol === 'tcp') {
    const peer = connect(port, address, () => {
      flow.ready = true
    })
    peer.on('data', (data) => {
      flow.bytes += data.length
    })
    peer.on('error', failed)
  } else {
    const peer: UdpSocket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    peer.on('message', (data) => {
      flow.bytes += data.length
    })
    peer.on('error', failed)
    peer.connect(port, address, () => {
      flow.ready = true
      setInterval(() => peer.send('go', (error) => error && failed(error)), 20)
    })
  }
  return flows.push(flow) - 1
}

let ear: (() => string[]) | null = null

async function answer(request: Request): Promise<unknown> {
  switch (request.op) {
    case 'send':
      for (const { to, bytes } of request.packets) send(to, Buffer.from(bytes, 'base64'))
      return null
    case 'serve':
      return await serve(request.address, request.port, request.protocol)
    case 'open':
      return open(request.address, request.port, request.protocol)
    case 'hear':
      ear ??= openEar('eth0')
      return ear()
    case 'read':
      return flows[request.flow]
  }
}

await answerLines(answer)
