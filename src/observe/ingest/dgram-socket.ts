/**
 * The same UDP port through Node's dgram, where the C library is not to be called: each datagram wakes the event loop, so
 * it takes about an eighth of what `udp-socket.ts` does. What is not asked for in time waits here, bounded, then is dropped.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parseAddress } from '../../model/address.ts'
import type { Wire, WireOptions } from './wire.ts'

const MAX_WAITING_BYTES = 16 << 20
const PER_DRAIN = 64

export async function openDgramSocket(options: WireOptions): Promise<Wire> {
  const type = options.address.includes(':') ? 'udp6' : 'udp4'
  const socket = createSocket({ type })
  const waiting: { bytes: Buffer; from: string }[] = []
  let waitingBytes = 0
  let full = 0
  socket.on('message', (bytes, { address }) => {
    if (waitingBytes + bytes.length > MAX_WAITING_BYTES) full++
    else {
      waiting.push({ bytes, from: address })
      waitingBytes += bytes.length
    }
  })
  socket.bind({ address: options.address, port: options.port, exclusive: true })
  try {
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    const place = `${options.address}:${options.port}`
    throw new Error(
      `${place} cannot be listened on (${(error as NodeJS.ErrnoException).code}); use another port or address`,
    )
  }
  // A broken socket gives nothing more; the source says that it is silent.
  socket.on('error', () => {})
  // Up to net.core.rmem_max.
  socket.setRecvBufferSize(options.bufferBytes)
  const { port } = socket.address()
  const words = new Uint32Array(4)
  let isOpen = true
  let bufferBytes = 0
  let dropped = 0
  const look = () => {
    if (!isOpen) return
    bufferBytes = socket.getRecvBufferSize()
    dropped = full + kernelDrops(port)
  }
  return {
    kind: 'dgram',
    port,
    get bufferBytes() {
      look()
      return bufferBytes
    },
    get dropped() {
      look()
      return dropped
    },
    drain(visit) {
      const some = waiting.splice(0, PER_DRAIN)
      for (const { bytes, from } of some) {
        waitingBytes -= bytes.length
        words.set(parseAddress(from.replace(/%.*$/, '')) ?? [0, 0, 0, 0])
        visit(bytes, 0, bytes.length, words)
      }
      return { datagrams: some.length, isEmpty: waiting.length === 0 }
    },
    close() {
      look()
      if (isOpen) socket.close()
      isOpen = false
    },
  }
}

/** Column `drops` of the sockets on that port (proc_net_udp: the last one); 0 where there is no such file. */
function kernelDrops(port: number): number {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  let drops = 0
  for (const file of ['/proc/self/net/udp', '/proc/self/net/udp6']) {
    let text: string
    try {
      text = readFileSync(file, 'latin1')
    } catch {
      continue
    }
    for (const line of text.split('\n')) {
      const fields = line.trim().split(/\s+/)
      if (fields[1]?.endsWith(wanted) === true) drops += Number(fields.at(-1)) || 0
    }
  }
  return drops
}
