/** Flags of both directions of a TCP conversation in, its outcome as Zeek would call it out (base/protocols/conn/main.zeek). */
import { stateCode } from '../../model/flow.ts'

const FIN = 1
const SYN = 2
const RST = 4
const ACK = 16

/**
 * Flags are those of all packets of a direction together. 0 (`none`) where they leave it open: exporters cut long
 * conversations into pieces, and a piece without its beginning tells no outcome.
 */
export function tcpState(fromInitiator: number, fromResponder: number): number {
  const o = fromInitiator
  const r = fromResponder
  if ((o & SYN) === 0) return stateCode.none
  if (r === 0) {
    if ((o & RST) !== 0) return (o & ACK) !== 0 ? stateCode.RSTO : stateCode.RSTOS0
    if ((o & ACK) !== 0) return stateCode.none
    return (o & FIN) !== 0 ? stateCode.SH : stateCode.S0
  }
  if ((r & SYN) === 0) return (r & RST) !== 0 ? stateCode.REJ : stateCode.none
  if ((r & RST) !== 0) return stateCode.RSTR
  if ((o & RST) !== 0) return stateCode.RSTO
  if ((o & FIN) !== 0) return (r & FIN) !== 0 ? stateCode.SF : stateCode.S2
  return (r & FIN) !== 0 ? stateCode.S3 : stateCode.S1
}

/** Both sides have answered each other: neither address is forged. */
export function isShaken(fromInitiator: number, fromResponder: number): boolean {
  return (fromInitiator & ACK) !== 0 && (fromResponder & ACK) !== 0 && (fromResponder & RST) === 0
}

/** The first word of a conversation: a SYN that was never followed by an ACK from the same side. */
export function isOpening(flags: number): boolean {
  return (flags & SYN) !== 0 && (flags & ACK) === 0
}

export const startsConversation = (flags: number): boolean => (flags & SYN) !== 0
