/** Counters of every link and root queue of this network namespace: two dumps of rtnetlink a look, no process, no thread. */
import {
  type LinkStats,
  linksRequest,
  type QueueStats,
  queuesRequest,
  readLinkStats,
  readQueueStats,
} from '../../netlink/link-stats.ts'
import { errnoOf, type Message, MessageType } from '../../netlink/message.ts'
import { Family, NetlinkError, NetlinkSocket } from '../../netlink/socket.ts'

export type Links = {
  readonly byName: ReadonlyMap<string, LinkStats>
  /** By index of the link. */
  readonly queues: ReadonlyMap<number, QueueStats>
}

/** 32 kB a datagram: some 15,000 links. */
const MOST_DATAGRAMS = 1_000
const MOST_SILENCES = 3
const BUFFER_BYTES = 1 << 20

/** Throws `NetlinkError`; the next look opens the socket anew. */
export function createLinkLook(): { look(): Links; close(): void } {
  let socket: NetlinkSocket | null = null
  const close = () => {
    socket?.close()
    socket = null
  }
  return {
    look() {
      try {
        socket ??= new NetlinkSocket(Family.route, { bufferBytes: BUFFER_BYTES, waitMs: 20 })
        const byName = new Map<string, LinkStats>()
        const queues = new Map<number, QueueStats>()
        dump(socket, linksRequest, (message) => {
          const link = readLinkStats(message)
          if (link !== null) byName.set(link.name, link)
        })
        dump(socket, queuesRequest, (message) => {
          const queue = readQueueStats(message)
          if (queue !== null) queues.set(queue.link, queue)
        })
        return { byName, queues }
      } catch (error) {
        close()
        throw error
      }
    },
    close,
  }
}

/** The kernel fills a datagram as soon as one is taken, so nobody waits here. */
function dump(socket: NetlinkSocket, request: (sequence: number) => Buffer, hear: (message: Message) => void): void {
  const sequence = socket.nextSequence()
  socket.send(request(sequence))
  let silences = 0
  for (let datagrams = 0; datagrams < MOST_DATAGRAMS; datagrams++) {
    const messages = socket.receiveNow()
    if (messages.length === 0 && ++silences >= MOST_SILENCES) break
    for (const message of messages) {
      if (message.sequence !== sequence) continue
      if (message.type === MessageType.done) return
      if (message.type === MessageType.error) throw new NetlinkError('dump the counters of links', errnoOf(message))
      hear(message)
    }
  }
  throw new Error('dump the counters of links: the kernel did not answer whole')
}
