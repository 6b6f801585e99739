/** What is open in a namespace, TCP and UDP, as lines of `ss` (ss(8)): what is over, or was never answered, is none. */
import { formatAddress, isV4, parseAddress } from '../model/address.ts'
import { inside } from './step.ts'

const STATES = ['state', 'connected', 'exclude', 'time-wait', 'exclude', 'syn-sent']

/** `which`: a filter in the words of ss; none = all. `null` = our own namespace. */
export function openConnections(namespace: string | null, which: readonly string[] = []): Promise<string> {
  return inside(namespace, 'ss', ['-Htun', ...STATES, ...which])
}

export type OpenEnd = { readonly family: 4 | 6; readonly address: string; readonly port: number }
export type Open = { readonly protocol: 'tcp' | 'udp'; readonly local: OpenEnd; readonly peer: OpenEnd }

/** One line of `ss -Htun`; null where it is no connection with somebody else. */
export function readOpen(line: string): Open | null {
  const words = line.trim().split(/\s+/)
  const [protocol, local, peer] = [words[0], readEnd(words.at(-2) ?? ''), readEnd(words.at(-1) ?? '')]
  if ((protocol !== 'tcp' && protocol !== 'udp') || local === null || peer === null) return null
  return local.family !== peer.family || isLoopback(local.address) ? null : { protocol, local, peer }
}

function readEnd(text: string): OpenEnd | null {
  const [, address, port] = /^\[?([0-9a-f.:]+)\]?:(\d{1,5})$/i.exec(text) ?? []
  const words = address === undefined ? null : parseAddress(address)
  if (words === null || Number(port) > 65_535) return null
  return { family: isV4(words) ? 4 : 6, address: formatAddress(words), port: Number(port) }
}

const isLoopback = (address: string) => address === '::1' || address.startsWith('127.')
