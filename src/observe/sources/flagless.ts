/** How a flow ended that has no TCP flags, as Zeek's conn_state: UDP by whether it was answered, ICMP is OTH to Zeek, others are not known. */
import { Proto, stateCode } from '../../model/flow.ts'

export function outcomeWithoutFlags(proto: number, isAnswered: boolean): number {
  if (proto === Proto.udp) return isAnswered ? stateCode.SF : stateCode.S0
  return proto === Proto.icmp || proto === Proto.icmp6 ? stateCode.OTH : stateCode.none
}
