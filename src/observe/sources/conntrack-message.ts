/**
 * One ctnetlink message into plain numbers (linux/netfilter/nfnetlink_conntrack.h). The attribute walker in netlink/message.ts
 * holds the bounds; here every value's length is checked before it is read, and a message that lacks a tuple is null.
 */

import { Proto, stateCode } from '../../model/flow.ts'
import { attributes } from '../../netlink/message.ts'

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
  entry.status = 0
  entry.tcpState = -1
  entry.bytesOut = entry.bytesIn = entry.packetsOut = entry.packetsIn = 0
  entry.startMs = entry.stopMs = 0
  entry.proto = 0
  entry.sourcePort = entry.targetPort = 0
  let ends = 0
  attributes(payload, 4, (type, value) => {
    switch (type) {
      case Cta.tupleOrig:
        ends = readTuple(value, entry)
        return
      case Cta.status:
        if (value.length >= 4) entry.status = value.readUInt32BE(0)
        return
      case Cta.id:
        if (value.length >= 4) entry.id = value.readUInt32BE(0)
        return
      case Cta.protoinfo:
        readTcpState(value, entry)
        return
      case Cta.countersOrig:
        readCounters(value, (packets, bytes) => {
          entry.packetsOut = packets
          entry.bytesOut = bytes
        })
        return
      case Cta.countersReply:
        readCounters(value, (packets, bytes) => {
          entry.packetsIn = packets
          entry.bytesIn = bytes
        })
        return
      case Cta.timestamp:
        attributes(value, 0, (which, time) => {
          if (time.length < 8) return
          const ms = readUInt64(time) / 1e6
          if (which === 1) entry.startMs = ms
          else if (which === 2) entry.stopMs = ms
        })
    }
  })
  return ends === 3
}

/** Bit 0: has a source, bit 1: has a target. */
function readTuple(tuple: Buffer, entry: CtEntry): number {
  let ends = 0
  attributes(tuple, 0, (type, value) => {
    if (type === 1)
      attributes(value, 0, (which, address) => {
        const to = which === 1 || which === 3 ? entry.source : which === 2 || which === 4 ? entry.target : null
        if (to === null) return
        if (which <= 2 && address.length >= 4) to.set([0, 0, 0xffff, address.readUInt32BE(0)])
        else if (which > 2 && address.length >= 16) for (let i = 0; i < 4; i++) to[i] = address.readUInt32BE(i * 4)
        else return
        ends |= to === entry.source ? 1 : 2
      })
    else if (type === 2) attributes(value, 0, (which, x) => readProto(which, x, entry))
  })
  return ends
}

function readProto(which: number, value: Buffer, entry: CtEntry): void {
  if (which === 1 && value.length >= 1) entry.proto = value[0]!
  else if (which === 2 && value.length >= 2) entry.sourcePort = value.readUInt16BE(0)
  else if (which === 3 && value.length >= 2) entry.targetPort = value.readUInt16BE(0)
  // ICMP as Zeek writes it: type, then code.
  else if ((which === 5 || which === 8) && value.length >= 1) entry.sourcePort = value[0]!
  else if ((which === 6 || which === 9) && value.length >= 1) entry.targetPort = value[0]!
}

function readTcpState(protoinfo: Buffer, entry: CtEntry): void {
  attributes(protoinfo, 0, (type, tcp) => {
    if (type !== 1) return
    attributes(tcp, 0, (which, value) => {
      if (which === 1 && value.length >= 1) entry.tcpState = value[0]!
    })
  })
}

function readCounters(value: Buffer, to: (packets: number, bytes: number) => void): void {
  let packets = 0
  let bytes = 0
  attributes(value, 0, (type, count) => {
    if (count.length < 8) return
    if (type === 1) packets = readUInt64(count)
    else if (type === 2) bytes = readUInt64(count)
  })
  to(packets, bytes)
}

const readUInt64 = (value: Buffer) => value.readUInt32BE(0) * 0x1_0000_0000 + value.readUInt32BE(4)

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
