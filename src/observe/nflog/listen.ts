/**
 * The kernel's word on refused packets: one NFLOG group of this network namespace in, one call per packet out. The kernel
 * gives a group to one reader; a second one is told so and gets nothing.
 */
import { errnoOf, type Message, MessageType } from '../../netlink/message.ts'
import { Family, NetlinkError, NetlinkSocket } from '../../netlink/socket.ts'
import { type LoggedAnswer, readLoggedAnswer } from './answers.ts'
import { bindRequests, isPacket, type Logged, readLogged } from './message.ts'

/** IPv6 header, a few extension headers, and the ports behind them. */
const COPY_BYTES = 128
/** The largest answer that EDNS asks for as a rule (RFC 6891 §6.2.5). */
const ANSWER_BYTES = 4_096
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
  const without = 'denies are counted still; which flows they are of is not told'
  await listenToGroup(group, { ...options, copyBytes: COPY_BYTES, pace: 'gathered', read: readLogged, without })
}

/** Answers of resolvers, each as it passes: who asked will use it within a millisecond. */
export async function listenToAnswers(
  group: number,
  options: {
    readonly signal: AbortSignal
    readonly counters: LogCounters
    readonly logged: (answer: LoggedAnswer) => void
  },
): Promise<void> {
  const without = 'names in rules stand for nobody; end that program and restart the agent'
  await listenToGroup(group, { ...options, copyBytes: ANSWER_BYTES, pace: 'at-once', read: readLoggedAnswer, without })
}

type Listening<T> = {
  readonly signal: AbortSignal
  readonly counters: LogCounters
  readonly copyBytes: number
  readonly pace: 'gathered' | 'at-once'
  readonly read: (message: Message) => T | null
  readonly logged: (packet: T) => void
  /** What it means when another program has the group. */
  readonly without: string
}

async function listenToGroup<T>(group: number, options: Listening<T>): Promise<void> {
  using socket = new NetlinkSocket(Family.netfilter, { bufferBytes: 1 << 20 })
  const { signal, counters } = options
  const asked = new Set<number>()
  for (const request of bindRequests(group, options.copyBytes, () => socket.nextSequence(), options.pace)) {
    asked.add(request.readUInt32LE(8))
    socket.send(request)
  }
  while (!signal.aborted) {
    const received = await socket.receive()
    if (received === null) return
    for (const message of received) {
      if (message.type === MessageType.error && asked.delete(message.sequence)) {
        const errno = errnoOf(message)
        if (errno !== 0) throw new NetlinkError(whyNot(group, errno, options.without), errno)
      } else if (isPacket(message)) {
        counters.read++
        const packet = options.read(message)
        if (packet === null) counters.unread++
        else options.logged(packet)
      }
    }
    counters.lost = socket.overruns
  }
}

function whyNot(group: number, errno: number, without: string): string {
  // Whoever may ask is told EPERM when the group is another's (nfulnl_recv_config in net/netfilter/nfnetlink_log.c).
  if (errno === EBUSY || (errno === EPERM && process.getuid?.() === 0))
    return `another program reads NFLOG group ${group} of this namespace; ${without}`
  if (errno === EPERM) return `reading NFLOG group ${group} needs root`
  return `bind to NFLOG group ${group}`
}
