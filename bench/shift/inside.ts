/**
 * Runs inside a workload: one end of each stream it takes part in. Either end sends numbered messages of its own, every few
 * milliseconds, and remembers when it sent which, and which it got when. Times are CLOCK_MONOTONIC, ms: the same clock
 * for every process of this kernel.
 */
import { createSocket } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import { answerLines } from '../child.ts'
import type { StreamPlan } from './flows.ts'

export type Request =
  | { readonly op: 'open'; readonly side: 'asks' | 'asked'; readonly stream: StreamPlan; readonly everyMs: number }
  /** Every stream that was opened sends from now on. */
  | { readonly op: 'begin' }
  /** Nothing more is sent; what is under way may still arrive. */
  | { readonly op: 'hush' }
  /** Whatever is open is over, servers too. */
  | { readonly op: 'end' }
  /** A connection of a moment; answers with the address it came from. */
  | { readonly op: 'ask'; readonly address: string; readonly port: number }
  /** A server of connections of a moment. */
  | { readonly op: 'greet'; readonly address: string; readonly port: number }
  | { readonly op: 'counts' }
  | { readonly op: 'told'; readonly name: string }
export type Counts = Readonly<Record<string, { readonly sent: number; readonly got: number; readonly broken: string }>>
/** Message n was given to the kernel between `sent[n]` and `left[n]`; `got` = pairs of message and time. */
export type Told = {
  readonly sent: readonly number[]
  readonly left: readonly number[]
  readonly got: readonly (readonly [number, number])[]
}

const MESSAGE_BYTES = 32
const RECEIVE_BYTES = 4 << 20

const opened = new Set<{ close(): void }>()

type End = { readonly sent: number[]; readonly left: number[]; readonly got: [number, number][]; broken: string }
const ends = new Map<string, End>()
const timers = new Set<NodeJS.Timeout>()
let phase: 'opening' | 'sending' | 'hushed' = 'opening'

const now = () => Number(process.hrtime.bigint()) / 1e6

function sending(end: End, everyMs: number, write: (message: Buffer) => void): void {
  timers.add(
    setInterval(() => {
      if (phase !== 'sending') return
      const message = Buffer.alloc(MESSAGE_BYTES)
      message.writeUInt32LE(end.sent.length)
      end.sent.push(now())
      write(message)
      end.left.push(now())
    }, everyMs),
  )
}

function attach(socket: Socket, end: End, everyMs: number): void {
  opened.add({ close: () => void socket.destroy() })
  let rest: Buffer = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const at = now()
    let i = 0
    for (; i + MESSAGE_BYTES <= rest.length; i += MESSAGE_BYTES) end.got.push([rest.readUInt32LE(i), at])
    rest = rest.subarray(i)
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end.broken = error.code ?? error.message
  })
  socket.on('close', () => {
    end.broken ||= 'closed'
  })
  sending(end, everyMs, (message) => {
    if (end.broken === '') socket.write(message)
  })
}

function openTcp(side: 'asks' | 'asked', { source, target, port }: StreamPlan, end: End, everyMs: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  if (side === 'asked') {
    const server = createServer((socket) => attach(socket, end, everyMs)).on('error', reject)
    opened.add(server.listen(port, target, resolve))
  } else {
    // A persona may deny it for now: the kernel tries again, and the stream begins when it is let through.
    const socket = connect({ port, host: target, localAddress: source })
    socket.on('connect', () => attach(socket, end, everyMs)).on('error', () => {})
    resolve()
  }
  return promise
}

function openUdp(side: 'asks' | 'asked', { source, target, port }: StreamPlan, end: End, everyMs: number) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const [own, peer] = side === 'asks' ? [source, target] : [target, source]
  const socket = createSocket({ type: own.includes(':') ? 'udp6' : 'udp4', recvBufferSize: RECEIVE_BYTES })
  socket.on('message', (message) => void end.got.push([message.readUInt32LE(), now()]))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // A peer that is not there yet; sending goes on.
    if (error.code !== 'ECONNREFUSED') reject(error)
  })
  opened.add(socket)
  socket.bind(port, own, () => {
    socket.connect(port, peer, () => {
      sending(end, everyMs, (message) => socket.send(message, () => {}))
      resolve()
    })
  })
  return promise
}

function greet(address: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  opened.add(
    createServer((socket) => void socket.resume())
      .on('error', reject)
      .listen(port, address, resolve),
  )
  return promise
}

function ask(host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ port, host }, () => {
    resolve(socket.localAddress!)
    socket.destroy()
  })
  socket.on('error', reject)
  return promise
}

async function answer(request: Request): Promise<unknown> {
  switch (request.op) {
    case 'open': {
      const end: End = { sent: [], left: [], got: [], broken: '' }
      ends.set(request.stream.name, end)
      return (request.stream.protocol === 'tcp' ? openTcp : openUdp)(request.side, request.stream, end, request.everyMs)
    }
    case 'begin':
      phase = 'sending'
      return null
    case 'hush':
      phase = 'hushed'
      for (const timer of timers) clearInterval(timer)
      return null
    case 'end':
      for (const timer of timers) clearInterval(timer)
      timers.clear()
      for (const one of opened) one.close()
      opened.clear()
      ends.clear()
      phase = 'opening'
      return null
    case 'greet':
      return greet(request.address, request.port)
    case 'ask':
      return ask(request.address, request.port)
    case 'counts':
      return Object.fromEntries(
        [...ends].map(([name, { sent, got, broken }]) => [name, { sent: sent.length, got: got.length, broken }]),
      )
    case 'told': {
      const { sent, left, got } = ends.get(request.name)!
      return { sent, left, got } satisfies Told
    }
  }
}

await answerLines(answer)
