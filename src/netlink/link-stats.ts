/**
 * Counters of links and queues (rtnetlink(7), linux/if_link.h, linux/gen_stats.h): requests for all of a namespace, and the
 * answers as plain values. Anything shorter than it should be is passed over.
 */
import { attributes, encodeMessage, Flag, type Message } from './message.ts'

const Rtm = { newLink: 16, getLink: 18, newQdisc: 36, getQdisc: 38 } as const
/** struct ifinfomsg, struct tcmsg. */
const [IFINFO_BYTES, TCMSG_BYTES] = [16, 20]
const Ifla = { name: 3, master: 10, info: 18, stats64: 23 } as const
const IFLA_INFO_KIND = 1
const [TCA_STATS2, TCA_STATS_QUEUE] = [7, 3]
/** Parent of a root queue; ingress and clsact hang elsewhere and hold nothing back. */
const TC_H_ROOT = 0xffffffff
const IFF_LOOPBACK = 8

/** As its own end counts: `received` came in here. */
export type LinkStats = {
  readonly index: number
  readonly name: string
  /** `veth`, `bridge`, …; empty for a device of its own. */
  readonly kind: string
  readonly isLoopback: boolean
  readonly isEnslaved: boolean
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly receivedDrops: number
  readonly sentDrops: number
  readonly errors: number
}
/** Of one root queue. */
export type QueueStats = { readonly link: number; readonly backlogBytes: number; readonly drops: number }

export function linksRequest(sequence: number): Buffer {
  return encodeMessage(Rtm.getLink, Flag.request | Flag.dump, sequence, Buffer.alloc(IFINFO_BYTES))
}

export function queuesRequest(sequence: number): Buffer {
  return encodeMessage(Rtm.getQdisc, Flag.request | Flag.dump, sequence, Buffer.alloc(TCMSG_BYTES))
}

export function readLinkStats({ type, payload }: Message): LinkStats | null {
  if (type !== Rtm.newLink || payload.length < IFINFO_BYTES) return null
  let name = ''
  let kind = ''
  let isEnslaved = false
  let stats: Buffer | null = null
  attributes(payload, IFINFO_BYTES, (attribute, value) => {
    if (attribute === Ifla.name) name = text(value)
    else if (attribute === Ifla.master) isEnslaved = true
    else if (attribute === Ifla.stats64) stats = value
    else if (attribute === Ifla.info)
      attributes(value, 0, (inner, told) => {
        if (inner === IFLA_INFO_KIND) kind = text(told)
      })
  })
  // struct rtnl_link_stats64: packets, bytes, errors and drops, received and sent by turns.
  const bytes = stats as Buffer | null
  if (name === '' || bytes === null || bytes.length < 64) return null
  const at = (word: number) => Number(bytes.readBigUInt64LE(8 * word))
  return {
    index: payload.readInt32LE(4),
    name,
    kind,
    isLoopback: (payload.readUInt32LE(8) & IFF_LOOPBACK) !== 0,
    isEnslaved,
    receivedBytes: at(2),
    sentBytes: at(3),
    errors: at(4) + at(5),
    receivedDrops: at(6),
    sentDrops: at(7),
  }
}

/** null for what is no root queue: what hangs below one is counted by it. */
export function readQueueStats({ type, payload }: Message): QueueStats | null {
  if (type !== Rtm.newQdisc || payload.length < TCMSG_BYTES || payload.readUInt32LE(12) !== TC_H_ROOT) return null
  let queue: Buffer | null = null
  attributes(payload, TCMSG_BYTES, (attribute, value) => {
    if (attribute !== TCA_STATS2) return
    attributes(value, 0, (inner, told) => {
      if (inner === TCA_STATS_QUEUE) queue = told
    })
  })
  // struct gnet_stats_queue: qlen, backlog, drops, requeues, overlimits.
  const bytes = queue as Buffer | null
  if (bytes === null || bytes.length < 12) return null
  return { link: payload.readInt32LE(4), backlogBytes: bytes.readUInt32LE(4), drops: bytes.readUInt32LE(8) }
}

const text = (value: Buffer): string => value.toString('latin1').replace(/\0.*$/s, '')
