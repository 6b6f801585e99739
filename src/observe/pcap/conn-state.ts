/** Zeek's conn_state of a finished connection (scripts/base/protocols/conn/main.zeek, function conn_state). */
import { stateCode } from '../../model/flow.ts'
import type { TcpConnection } from './tcp.ts'
import { sizeOf, Tcp } from './tcp-endpoint.ts'

export function tcpState(tcp: TcpConnection): number {
  const client = tcp.client.state
  const server = tcp.server.state
  const isClientQuiet = client === Tcp.inactive || client === Tcp.partial
  const isServerQuiet = server === Tcp.inactive || server === Tcp.partial
  if (server === Tcp.reset) {
    const isEmpty = sizeOf(tcp.client, tcp.server) === 0 && sizeOf(tcp.server, tcp.client) === 0
    if (client === Tcp.synSent || client === Tcp.synAckSent || (client === Tcp.reset && isEmpty)) return stateCode.REJ
    return isClientQuiet ? stateCode.RSTRH : stateCode.RSTR
  }
  if (client === Tcp.reset) {
    if (!isServerQuiet) return stateCode.RSTO
    return /^\^?S[^HAFGIQ]*R/.test(tcp.history) ? stateCode.RSTOS0 : stateCode.OTH
  }
  if (server === Tcp.closed && client === Tcp.closed) return stateCode.SF
  if (client === Tcp.closed) return isServerQuiet ? stateCode.SH : stateCode.S2
  if (server === Tcp.closed) return isClientQuiet ? stateCode.SHR : stateCode.S3
  if (client === Tcp.synSent && server === Tcp.inactive) return stateCode.S0
  if (client === Tcp.established && server === Tcp.established) return stateCode.S1
  return stateCode.OTH
}

export function udpState(hasAsked: boolean, hasAnswered: boolean): number {
  if (hasAsked) return hasAnswered ? stateCode.SF : stateCode.S0
  return hasAnswered ? stateCode.SHR : stateCode.OTH
}
