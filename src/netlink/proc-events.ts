/** Processes as they begin, start programs and end: the kernel's proc connector (linux/cn_proc.h, linux/connector.h) as plain values. */
import { encodeMessage, type Message, MessageType } from './message.ts'

/** CN_IDX_PROC and CN_VAL_PROC are both 1; the group is a bit mask. */
export const PROC_GROUP = 1
const CN_PROC = 1
const CN_MSG_BYTES = 20
const PROC_CN_MCAST_LISTEN = 1
const What = { fork: 0x1, exec: 0x2, exit: 0x80000000 } as const
/** Behind struct cn_msg: what, cpu, timestamp, and then what differs. */
const TIME_AT = CN_MSG_BYTES + 8
const EVENT_AT = CN_MSG_BYTES + 16

export type ProcEvent =
  /** A process, not a thread; ns since boot, by CLOCK_MONOTONIC. */
  | { readonly what: 'begun'; readonly pid: number; readonly parent: number; readonly atNs: number }
  | { readonly what: 'program'; readonly pid: number }
  | { readonly what: 'ended'; readonly pid: number }

/** Asks for these events; kernels before 6.6 know no choice of kinds and refuse the second message, so both are sent. */
export function listenRequests(sequence: () => number, sender: number): readonly Buffer[] {
  const all = Buffer.alloc(4)
  all.writeUInt32LE(PROC_CN_MCAST_LISTEN, 0)
  const some = Buffer.alloc(8)
  some.writeUInt32LE(PROC_CN_MCAST_LISTEN, 0)
  some.writeUInt32LE((What.fork | What.exec | What.exit) >>> 0, 4)
  return [all, some].map((asked) => {
    const head = Buffer.alloc(CN_MSG_BYTES)
    head.writeUInt32LE(CN_PROC, 0)
    head.writeUInt32LE(CN_PROC, 4)
    head.writeUInt16LE(asked.length, 16)
    const message = encodeMessage(MessageType.done, 0, sequence(), head, asked)
    message.writeUInt32LE(sender, 12)
    return message
  })
}

/** null: a thread, another kind, or cut short. */
export function readProcEvent({ payload }: Message): ProcEvent | null {
  if (payload.length < EVENT_AT + 8) return null
  if (payload.readUInt32LE(0) !== CN_PROC || payload.readUInt32LE(4) !== CN_PROC) return null
  const [first, second] = [payload.readInt32LE(EVENT_AT), payload.readInt32LE(EVENT_AT + 4)]
  switch (payload.readUInt32LE(CN_MSG_BYTES)) {
    case What.fork: {
      if (payload.length < EVENT_AT + 16) return null
      const [pid, group] = [payload.readInt32LE(EVENT_AT + 8), payload.readInt32LE(EVENT_AT + 12)]
      const atNs = payload.readUInt32LE(TIME_AT) + payload.readUInt32LE(TIME_AT + 4) * 2 ** 32
      return pid === group ? { what: 'begun', pid, parent: second, atNs } : null
    }
    case What.exec:
      return { what: 'program', pid: second }
    case What.exit:
      return first === second ? { what: 'ended', pid: first } : null
    default:
      return null
  }
}
