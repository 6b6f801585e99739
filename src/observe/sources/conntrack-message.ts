/**
 * One ctnetlink message into plain numbers (linux/netfilter/nfnetlink_conntrack.h). The attribute walker in netlink/message.ts
 * holds the bounds; here every value's length is checked before it is read, and a message that lacks a tuple is null.
 */

import { Proto, stateCode } from '../../model/flow.ts'
import { type VisitAttribute, walkAttributes } from '../../netlink/message.ts'

const CTNETLINK = 1
export const CtMessage = { new: CTNETLINK << 8, get: (CTNETLINK << 8) | 1, delete: (CTNETLINK << 8) | 2 } as const
/** Legacy multicast bits: NFNLGRP_CONNTRACK_NEW = 1, _DESTROY = 3 (bit n − 1). */
export const CT_GROUPS = 1 | 4

const Cta = {
  tupleOrig: 1,
  status: 3,
  protoinfo: 4,
  countersOrig: 9,
  countersReply: 10,
  id: 12,
  timestamp: 20,
} as const
/** enum ip_conntrack_status. */
const Status = { seenReply: 2, assured: 4 } as const
/** enum tcp_conntrack: what matters of it. */
const Tcp = { established: 3, timeWait: 7, close: 8 } as const

export type CtEntry = {
  id: number
  /** Which ends of the original tuple were told: bit 0 the source, bit 1 the target. */
  ends: number
  readonly source: Uint32Array
  readonly target: Uint32Array
  sourcePort: number
  targetPort: number
  proto: number
  status: number
  /** −1 when the message does not say. */
  tcpState: number
  bytesOut: number
  bytesIn: number
  packetsOut: number
  packetsIn: number
  /** epoch ms, 0 when nf_conntrack_timestamp is off. */
  startMs: number
  stopMs: number
}

export function createCtEntry(): CtEntry {
  return {
    id: 0,
    ends: 0,
    source: new Uint32Array(4),
    target: new Uint32Array(4),
    sourcePort: 0,
    targetPort: 0,
    proto: 0,
    status: 0,
    tcpState: -1,
    bytesOut: 0,
    bytesIn: 0,
    packetsOut: 0,
    packetsIn: 0,
    startMs: 0,
    stopMs: 0,
  }
}

/** Fills `entry` from the payload (nfgenmsg, then attributes); false when there is no whole original tuple in it. */
export function readCtEntry(payload: Buffer, entry: CtEntry): boolean {
  entry.id = 0
  entry.ends = 0
  entry.status = 0
  entry.tcpState = -1
  entry.bytesOut = entry.bytesIn = entry.packetsOut = entry.packetsIn = 0
  entry.startMs = entry.stopMs = 0
  entry.proto = 0
  entry.sourcePort = entry.targetPort = 0
  walkAttributes(payload, 4, payload.length, readPart, entry)
  return entry.ends === SOURCE + TARGET
}

type Read = VisitAttribute<CtEntry>

const readPart: Read = (type, bytes, from, to, entry) => {
  switch (type) {
    case Cta.tupleOrig:
      entry.ends = 0
      return walkAttributes(bytes, from, to, readTuple, entry)
    case Cta.status:
      if (to - from >= 4) entry.status = bytes.readUInt32BE(from)
      return
    case Cta.id:
      if (to - from >= 4) entry.id = bytes.readUInt32BE(from)
      return
    case Cta.protoinfo:
      return walkAttributes(bytes, from, to, readProtocolState, entry)
    case Cta.countersOrig:
      return walkAttributes(bytes, from, to, readCounterOut, entry)
    case Cta.countersReply:
      return walkAttributes(bytes, from, to, readCounterIn, entry)
    case Cta.timestamp:
      return walkAttributes(bytes, from, to, readTime, entry)
  }
}

const readTuple: Read = (type, bytes, from, to, entry) => {
  if (type === 1) walkAttributes(bytes, from, to, readAddress, entry)
  else if (type === 2) walkAttributes(bytes, from, to, readService, entry)
}

const SOURCE = 1
const TARGET = 2
const V4_MAPPED = 0xffff

/** 1 and 3 are sources, 2 and 4 targets; from 3 on IPv6. */
const readAddress: Read = (which, bytes, from, to, entry) => {
  if (which < 1 || which > 4 || to - from < (which > 2 ? 16 : 4)) return
  const isSource = which === 1 || which === 3
  const words = isSource ? entry.source : entry.target
  if (which > 2) for (let i = 0; i < 4; i++) words[i] = bytes.readUInt32BE(from + i * 4)
  else {
    words[0] = words[1] = 0
    words[2] = V4_MAPPED
    words[3] = bytes.readUInt32BE(from)
  }
  entry.ends |= isSource ? SOURCE : TARGET
}

const readService: Read = (which, bytes, from, to, entry) => {
  const room = to - from
  if (which === 1 && room >= 1) entry.proto = bytes[from]!
  else if (which === 2 && room >= 2) entry.sourcePort = bytes.readUInt16BE(from)
  else if (which === 3 && room >= 2) entry.targetPort = bytes.readUInt16BE(from)
  // ICMP as Zeek writes it: type, then code.
  else if ((which === 5 || which === 8) && room >= 1) entry.sourcePort = bytes[from]!
  else if ((which === 6 || which === 9) && room >= 1) entry.targetPort = bytes[from]!
}

const readProtocolState: Read = (type, bytes, from, to, entry) => {
  if (type === 1) walkAttributes(bytes, from, to, readTcpState, entry)
}

const readTcpState: Read = (which, bytes, from, to, entry) => {
  if (which === 1 && to > from) entry.tcpState = bytes[from]!
}

const readCounterOut: Read = (type, bytes, from, to, entry) => {
  if (to - from < 8) return
  if (type === 1) entry.packetsOut = readUInt64(bytes, from)
  else if (type === 2) entry.bytesOut = readUInt64(bytes, from)
}

const readCounterIn: Read = (type, bytes, from, to, entry) => {
  if (to - from < 8) return
  if (type === 1) entry.packetsIn = readUInt64(bytes, from)
  else if (type === 2) entry.bytesIn = readUInt64(bytes, from)
}

const readTime: Read = (which, bytes, from, to, entry) => {
  if (to - from < 8) return
  const ms = readUInt64(bytes, from) / 1e6
  if (which === 1) entry.startMs = ms
  else if (which === 2) entry.stopMs = ms
}

const readUInt64 = (bytes: Buffer, at: number) => bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)

export const hasReply = (entry: { status: number }) => (entry.status & Status.seenReply) !== 0

/** The source address cannot have been forged: TCP got as far as an acknowledged SYN-ACK, anything else was answered. */
export function isHandshake(entry: { proto: number; status: number; tcpState: number }): boolean {
  if (!hasReply(entry)) return false
  if (entry.proto !== Proto.tcp) return true
  return (entry.status & Status.assured) !== 0 || (entry.tcpState >= Tcp.established && entry.tcpState <= Tcp.timeWait)
}

/**
 * The outcome, as far as conntrack knows it. `isOver`: the entry is gone; a running one is judged only where it cannot get
 * better: refused, or not answered for a second.
 */
export function outcomeOf(entry: CtEntry, ageMs: number, isOver: boolean): number {
  // A RST to a SYN ends the entry before it is marked as answered.
  if (entry.proto === Proto.tcp && isOver && !hasReply(entry) && entry.packetsIn > 0) return stateCode.REJ
  if (!hasReply(entry)) return isOver || ageMs >= 1_000 ? stateCode.S0 : stateCode.none
  if (entry.proto !== Proto.tcp) return isOver ? stateCode.SF : stateCode.none
  // A RST that answers a SYN closes at once; nothing was ever sent after it.
  if (entry.tcpState === Tcp.close && !isHandshake(entry) && entry.packetsIn <= 1) return stateCode.REJ
  if (!isOver) return stateCode.none
  if (entry.tcpState === Tcp.close) return stateCode.RSTO
  if (!isHandshake(entry)) return stateCode.SH
  return entry.tcpState === Tcp.established || entry.tcpState < 0 ? stateCode.S1 : stateCode.SF
}
