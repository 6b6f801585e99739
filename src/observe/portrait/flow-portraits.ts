/**
 * Flows and hints come in, a `Portrait` of each address goes out, in the words that logs have: what it starts and serves, how
 * much, how long, how it ended, in which order. For whoever has Zeek logs or NetFlow and no packets; words of packets and words
 * of flows are never the same, so a model is of one or of the other.
 */
import { formatAddress } from '../../model/address.ts'
import { FLOW_STATES, type FlowBatch, Phase, Proto } from '../../model/flow.ts'
import type { Hint } from '../../model/hint.ts'
import { countWord, createPortrait, type Portrait, type Room } from '../../model/portrait.ts'
import type { ServiceNames } from '../source.ts'
import { withoutNumbers } from './names.ts'

export type FlowPortraits = {
  take(batch: FlowBatch): void
  /** By address as text. */
  readonly hosts: ReadonlyMap<string, FlowPortrait>
}
export type FlowPortrait = Portrait & {
  /** Conversations it began. */
  started: number
  lastKind: string
  lastAt: number
}

const MAX_HOSTS = 4_096
const MAX_ALL_WORDS = 500_000
/** Ports from here on are a client's own choice (RFC 6335 §6, and what Linux takes). */
const FIRST_EPHEMERAL = 32_768

const PROTOCOLS = new Map<number, string>(Object.entries(Proto).map(([name, number]) => [number, name]))

/** `before` is told of a host before one of its conversations is counted. */
export function createFlowPortraits(
  services: ServiceNames,
  before: (address: string, portrait: Portrait, timeMs: number) => void = () => {},
): FlowPortraits {
  const hosts = new Map<string, FlowPortrait>()
  const room: Room = { left: MAX_ALL_WORDS }
  const hostOf = (address: string, timeMs: number): FlowPortrait | undefined => {
    const known = hosts.get(address)
    if (known !== undefined || hosts.size >= MAX_HOSTS) return known
    const made = { ...createPortrait(timeMs), started: 0, lastKind: '', lastAt: timeMs }
    hosts.set(address, made)
    return made
  }
  return {
    hosts,
    take(batch) {
      for (let row = 0; row < batch.count; row++) {
        const kind = kindOf(batch, row, services)
        const at = batch.start[row]!
        const [source, target] = [formatAddress(batch.source, 4 * row), formatAddress(batch.target, 4 * row)]
        const words = wordsOf(batch, row)
        for (const [address, verb] of [
          [source, 'starts'],
          [target, 'serves'],
        ] as const) {
          const host = hostOf(address, at)
          if (host === undefined) continue
          before(address, host, at)
          if (isNew(batch.phase[row]!)) paint(host, verb, kind, at, room)
          for (const word of words) countWord(host.behaviour, `${verb} ${kind} ${word}`, room)
        }
      }
      for (const hint of batch.hints) {
        const host = hostOf(formatAddress(hint.source), hint.at)
        if (host === undefined) continue
        for (const name of namesOf(hint)) countWord(host.hints, name, room)
      }
    },
  }
}

/** The rows after the first of a conversation tell what became of it. */
const isNew = (phase: number) => phase === Phase.whole || phase === Phase.opened

function paint(host: FlowPortrait, verb: 'starts' | 'serves', kind: string, at: number, room: Room): void {
  const say = (word: string) => countWord(host.behaviour, word, room)
  host.last = Math.max(host.last, at)
  host.packets++
  say(`${verb} ${kind}`)
  if (verb === 'serves') return
  if (host.started++ > 0) say(`pause ${doublings(at - host.lastAt)}`)
  host.lastAt = at
  if (host.lastKind !== kind && host.lastKind !== '') say(`${host.lastKind} then ${kind}`)
  host.lastKind = kind
}

function kindOf(batch: FlowBatch, row: number, services: ServiceNames): string {
  const name = services.nameOf(batch.service[row]!)
  if (name !== null) return name
  const proto = batch.proto[row]!
  const word = PROTOCOLS.get(proto) ?? `ip ${proto}`
  if (word.startsWith('icmp')) return `${word} ${batch.sourcePort[row]!}`
  const port = batch.targetPort[row]!
  return `${word} ${port >= FIRST_EPHEMERAL ? 'high' : port}`
}

function wordsOf(batch: FlowBatch, row: number): string[] {
  const state = FLOW_STATES[batch.state[row]!] ?? 'none'
  return [
    ...(state === 'none' ? [] : [`ends ${state}`]),
    `out ${doublings(batch.bytesOut[row]!)}`,
    `in ${doublings(batch.bytesIn[row]!)}`,
    `for ${doublings(batch.end[row]! - batch.start[row]!)}`,
  ]
}

const doublings = (value: number) => Math.round(Math.log2(1 + Math.max(0, value)))

function namesOf(hint: Hint): string[] {
  const told = (word: string, text: string) => (text === '' ? [] : [`${word} ${withoutNumbers(text)}`])
  switch (hint.kind) {
    case 'dns':
      return [...told('asks for', hint.query), ...told('asks in', hint.query.split('.').slice(-2).join('.'))]
    case 'tls':
      return [...told('tls to', hint.serverName), ...told('ja3', hint.ja3), ...told('ja4', hint.ja4)]
    case 'http':
      return [...told('http to', hint.host), ...told('agent', hint.userAgent)]
    case 'login':
      return told('client', hint.client)
    case 'alert':
      // Somebody else's judgement is no trait of a device.
      return []
  }
}
