/** What Argus says of a flow (ra.1, "state") as Zeek's conn_state, and what it makes of ICMP's ports. Pure. */
import { type FlowState, Proto, stateCode } from '../../model/flow.ts'
import { tcpState } from '../netflow/tcp-state.ts'
import { outcomeWithoutFlags } from './flagless.ts'

const FLAG: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128 }

/** `FSPA`, `...A.RS.`: letters in any order. */
export function flagsOf(letters: string): number {
  let flags = 0
  for (let i = 0; i < letters.length && i < 16; i++) flags |= FLAG[letters[i]!] ?? 0
  return flags
}

/** Words of TCP flows without flags: requested, accepted, connected, closed. A reset does not say whose it was. */
const WORDS: Readonly<Record<string, FlowState>> = {
  REQ: 'S0',
  ACC: 'S1',
  EST: 'S1',
  CON: 'S1',
  FIN: 'SF',
  CLO: 'SF',
}
const UNREACHABLE = /^UR[A-Z]{0,2}$/

/** `isSure` = the tool knows which end began. */
export function argusState(text: string, proto: number, isAnswered: boolean, isSure: boolean): number {
  if (Object.hasOwn(stateCode, text)) return stateCode[text as FlowState]
  if (proto !== Proto.tcp) {
    if (proto === Proto.udp && UNREACHABLE.test(text)) return stateCode.REJ
    return outcomeWithoutFlags(proto, isAnswered)
  }
  const flags = /^([FSRPAUEC]*)_([FSRPAUEC]*)$/.exec(text)
  if (flags !== null) return tcpState(flagsOf(flags[1]!), flagsOf(flags[2]!))
  if (!isSure) return stateCode.OTH
  if (text === 'RST' && !isAnswered) return stateCode.RSTOS0
  return Object.hasOwn(WORDS, text) ? stateCode[WORDS[text]!] : stateCode.none
}

/** Types of ICMP messages by Argus' state, where the port does not hold it. */
const ICMP_TYPES: Readonly<Record<string, number>> = {
  ECO: 8,
  ECR: 0,
  SRC: 4,
  RED: 5,
  TXD: 11,
  TST: 13,
  TSR: 14,
  IRQ: 15,
  IRR: 16,
  MAS: 17,
  MSR: 18,
}

/** ICMP's type and code: Argus puts code·256 + type into the source's port (`0x0403` = unreachable, fragmentation needed). */
export function argusIcmp(
  port: number,
  hasPort: boolean,
  state: string,
): { readonly type: number; readonly code: number } {
  if (hasPort) return { type: port & 255, code: port >> 8 }
  if (UNREACHABLE.test(state)) return { type: 3, code: 0 }
  return { type: ICMP_TYPES[state] ?? 0, code: 0 }
}
