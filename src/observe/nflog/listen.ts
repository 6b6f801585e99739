/**
 * The kernel's word on refused packets: one NFLOG group of this network namespace in, one call per packet out. The kernel
 * gives a group to one reader; a second one is told so and gets nothing.
 */
import { errnoOf, MessageType } from '../../netlink/message.ts'
import { Family, NetlinkError, NetlinkSocket } from '../../netlink/socket.ts'
import { bindRequests, isPacket, type Logged, readLogged } from './message.ts'

/** IPv6 header, a few extension headers, and the ports behind them. */
const COPY_BYTES = 128
const EPERM = 1
const EBUSY = 16

export type LogCounters = { read: number; unread: number; lost: number }

/** Ends with `signal`. Throws a sentence when the group cannot be had. */
export async function listenToLog(
  group: number,
  options: {
    readonly signal: AbortSignal
    readonly counters: LogCounters
    readonly logged: (packet: Logged) => void
  },
): Promise<void> {
  using socket = new NetlinkSocket(Family.netfilter, { bufferBytes: 1 << 20 })
  const { signal, counters } = options
  const asked = new Set<number>()
  for (const request of bindRequests(group, COPY_BYTES, () => socket.nextSequence())) {
    asked.add(request.readUInt32LE(8))
    socket.send(request)
  }
  while (!signal.aborted) {
    const received = await socket.receive()
    if (received === null) return
    for (const message of received) {
      if (message.type === MessageType.error && asked.delete(message.sequence)) {
        const errno = errnoOf(message)
        if (errno !== 0) throw new NetlinkError(whyNot(group, errno), errno)
      } else if (isPacket(message)) {
        counters.read++
        const packet = readLogged(message)
        if (packet === null) counters.unread++
        else options.logged(packet)
      }
    }
    counters.lost = socket.overruns
  }
}

function whyNot(group: number, errno: number): string {
  if (errno === EBUSY) return `another program reads NFLOG group ${group} of this namespace; denies are still counted`
  if (errno === EPERM) return `reading NFLOG group ${group} needs root`
  return `bind to NFLOG group ${group}`
}
