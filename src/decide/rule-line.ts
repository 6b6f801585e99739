/**
 * A firewall rule as one line, both ways: `allow tcp 443 out to 10.0.0.0/8`. In: text people type; out: a `PolicyRule`, or the
 * column where it stops being one, with the cure. Words, in this order:
 *
 *     rule     = ("allow" | "deny" | "reject" | "pass") services ("out" "to" | "in" "from") peers ["as" text]
 *     services = "any" | service {"," service}
 *     service  = ("tcp" | "udp" | "sctp") [port ["-" port]] | ("icmp" | "icmp6") ["type" number]
 *     peers    = peer {"," peer}
 *     peer     = "any" | cidr ["except" cidr {"and" cidr}] | "persona" text | "label" text "=" text {"and" text "=" text}
 *              | "reputation" "below" number "unrated" ("allow" | "deny") | "domain" name
 *              | "country" code | "asn" number
 *     text     = a word, or "in double quotes" as JSON has them
 *
 * What a line has no words for (limits, logs, redirects, mirrors, named ports, expressions over labels) stays an object.
 */
import { parseCidr } from '../model/address.ts'
import { DOMAIN, type PeerSelector, type PolicyRule, type PortMatch } from '../model/policy.ts'
import type { Refusal } from '../model/why.ts'

export type RuleLine = { readonly ok: true; readonly value: PolicyRule } | (Refusal & { readonly column: number })

type Token = {
  readonly kind: 'word' | 'text' | ',' | '=' | 'end'
  readonly text: string
  /** 1-based */
  readonly column: number
}
type Stop = { readonly column: number; readonly why: string; readonly cure: string }

const MAX_LINE = 4_000
const LIKE = 'write it like "allow tcp 443 out to 10.0.0.0/8"'

export function parseRuleLine(line: string): RuleLine {
  try {
    if (line.length > MAX_LINE)
      throw {
        column: 1,
        why: `the rule is longer than ${MAX_LINE} characters`,
        cure: 'write it as an object',
      } satisfies Stop
    return { ok: true, value: readRule(createReader(tokensOf(line))) }
  } catch (stop) {
    if (stop instanceof Error) throw stop
    const { column, why, cure } = stop as Stop
    return { ok: false, code: 'rule-refused', where: `column ${column}`, column, why, cure }
  }
}

/** null: a line cannot say it. */
export function printRuleLine(rule: PolicyRule): string | null {
  if (!fitsLine(rule)) return null
  const services = rule.ports === undefined ? 'any' : rule.ports.map(printService).join(', ')
  const direction = rule.direction === 'egress' ? 'out to' : 'in from'
  const as = rule.description === undefined ? '' : ` as ${JSON.stringify(rule.description)}`
  return `${rule.action} ${services} ${direction} ${rule.peers.map(printPeer).join(', ')}${as}`
}

function fitsLine({ action, limit, log, origin, peers, ports = [] }: PolicyRule): boolean {
  if (action === 'redirect' || action === 'mirror' || limit !== undefined || log !== undefined || origin !== undefined)
    return false
  return (
    !peers.some((peer) => 'matchExpressions' in peer || 'service' in peer || 'inside' in peer) &&
    !ports.some((port) => 'name' in port)
  )
}

function printService(port: PortMatch): string {
  if ('name' in port) return port.name
  if (port.protocol === 'icmp' || port.protocol === 'icmp6')
    return port.type === undefined ? port.protocol : `${port.protocol} type ${port.type}`
  if (port.port === undefined) return port.protocol
  return `${port.protocol} ${port.port}${port.to === undefined ? '' : `-${port.to}`}`
}

function printPeer(peer: PeerSelector): string {
  if ('any' in peer) return 'any'
  if ('cidr' in peer) return `${peer.cidr}${peer.except?.length ? ` except ${peer.except.join(' and ')}` : ''}`
  if ('persona' in peer) return `persona ${printText(peer.persona)}`
  if ('labels' in peer)
    return `label ${Object.entries(peer.labels)
      .map(([key, value]) => `${printText(key)}=${printText(value)}`)
      .join(' and ')}`
  if ('reputation' in peer) return `reputation below ${peer.reputation.below} unrated ${peer.reputation.unrated}`
  if ('domain' in peer) return `domain ${peer.domain}`
  if ('geo' in peer) return `country ${peer.geo}`
  if ('asn' in peer) return `asn ${peer.asn}`
  throw new Error('a line has no words for this peer; fitsLine is asked first')
}

function printText(text: string): string {
  return /^[A-Za-z0-9_./:-]+$/.test(text) ? text : JSON.stringify(text)
}

function tokensOf(line: string): Token[] {
  const tokens: Token[] = []
  const pattern = /\s*(?:("(?:[^"\\]|\\.)*")|([,=])|([^\s,="]+)|(\S))/gy
  for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
    const [, quoted, mark, word, stray] = match
    const text = quoted ?? mark ?? word ?? stray!
    const column = pattern.lastIndex - text.length + 1
    if (stray !== undefined) throw { column, why: 'a quote is not closed', cure: 'close it with "' } satisfies Stop
    if (quoted !== undefined) tokens.push({ kind: 'text', text: unquoted(quoted, column), column })
    else tokens.push({ kind: mark === undefined ? 'word' : (mark as ',' | '='), text, column })
  }
  return [...tokens, { kind: 'end', text: 'the end', column: line.length + 1 }]
}

function unquoted(text: string, column: number): string {
  try {
    return JSON.parse(text) as string
  } catch {
    throw { column, why: 'this is no quoted text', cure: 'quote as JSON does' } satisfies Stop
  }
}

type Reader = ReturnType<typeof createReader>

function createReader(tokens: readonly Token[]) {
  let at = 0
  const peek = () => tokens[at]!
  const stop = (why: string, cure: string): never => {
    throw { column: peek().column, why, cure } satisfies Stop
  }
  const said = () =>
    peek().kind === 'end' ? 'the rule ends here' : `${JSON.stringify(peek().text.slice(0, 40))} is here`
  const isNext = (word: string) => peek().kind !== 'text' && peek().text === word
  return {
    peek,
    stop,
    isNext,
    take(word: string): boolean {
      if (!isNext(word)) return false
      at++
      return true
    },
    /** One of these words, or a stop that names them. */
    word<W extends string>(words: readonly W[]): W {
      const found = words.find(isNext)
      if (found === undefined) return stop(`${said()} where ${oneOf(words)} is expected`, LIKE)
      at++
      return found
    },
    text(what: string, max: number): string {
      const { kind, text } = peek()
      if (kind !== 'word' && kind !== 'text') return stop(`${said()} where ${what} is expected`, LIKE)
      if (text.length === 0 || text.length > max)
        return stop(`${what} has ${text.length} characters`, `give 1 to ${max}`)
      at++
      return text
    },
    number(what: string, pattern: RegExp, low: number, high: number): number {
      const { kind, text } = peek()
      if (kind !== 'word' || !pattern.test(text))
        return stop(`${said()} where ${what} is expected`, `give ${low} to ${high}`)
      const value = Number(text)
      if (value < low || value > high) return stop(`${what} is ${text}`, `give ${low} to ${high}`)
      at++
      return value
    },
  }
}

function oneOf(words: readonly string[]): string {
  return words.length < 3 ? words.join(' or ') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

function readRule(reader: Reader): PolicyRule {
  const action = reader.word(['allow', 'deny', 'reject', 'pass'])
  const ports = reader.take('any') ? undefined : listOf(reader, readService)
  const direction = reader.word(['out', 'in']) === 'out' ? 'egress' : 'ingress'
  reader.word([direction === 'egress' ? 'to' : 'from'])
  const peers = listOf(reader, readPeer)
  const description = reader.take('as') ? reader.text('a description', 200) : undefined
  if (reader.peek().kind !== 'end')
    reader.stop(`${JSON.stringify(reader.peek().text.slice(0, 40))} is after the end of the rule`, 'leave it out')
  return {
    action,
    direction,
    peers,
    ...(ports === undefined ? {} : { ports }),
    ...(description === undefined ? {} : { description }),
  }
}

function listOf<T>(reader: Reader, one: (reader: Reader) => T): T[] {
  const items = [one(reader)]
  while (reader.take(',')) {
    if (items.length === 100) reader.stop('more than 100 entries', 'make two rules of it')
    items.push(one(reader))
  }
  return items
}

function readService(reader: Reader): PortMatch {
  const protocol = reader.word(['tcp', 'udp', 'sctp', 'icmp', 'icmp6'])
  if (protocol === 'icmp' || protocol === 'icmp6') {
    if (!reader.take('type')) return { protocol }
    return { protocol, type: reader.number('an icmp type', /^\d{1,3}$/, 0, 255) }
  }
  const { kind, text } = reader.peek()
  if (kind !== 'word' || !/^\d/.test(text)) return { protocol }
  const range = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text)
  const [port, to] = [Number(range?.[1]), range?.[2] === undefined ? undefined : Number(range[2])]
  const isPort = (n: number) => n >= 1 && n <= 65535
  if (range === null || !isPort(port) || (to !== undefined && !isPort(to)))
    return reader.stop(`${JSON.stringify(text.slice(0, 40))} is no port`, 'give 1 to 65535, or a range like 8000-8080')
  if (to !== undefined && to < port) return reader.stop(`the range ${text} runs backwards`, `write ${to}-${port}`)
  reader.take(text)
  return to === undefined ? { protocol, port } : { protocol, port, to }
}

function readPeer(reader: Reader): PeerSelector {
  if (reader.take('any')) return { any: true }
  if (reader.take('persona')) return { persona: reader.text('the name of a persona', 63) }
  if (reader.take('label')) return { labels: readLabels(reader) }
  if (reader.take('reputation')) {
    reader.word(['below'])
    const below = reader.number('a reputation', /^\d+(\.\d+)?(e-\d+)?$/, Number.MIN_VALUE, 1)
    reader.word(['unrated'])
    return { reputation: { below, unrated: reader.word(['allow', 'deny']) } }
  }
  if (reader.take('domain')) return { domain: readDomain(reader) }
  if (reader.take('country')) return { geo: readCountry(reader) }
  if (reader.take('asn'))
    return { asn: reader.number('a number of an autonomous system', /^\d{1,10}$/, 1, 4_294_967_295) }
  const cidr = readCidr(reader)
  if (!reader.take('except')) return { cidr }
  const except = [readCidr(reader)]
  while (reader.take('and')) except.push(readCidr(reader))
  return { cidr, except }
}

function readDomain(reader: Reader): string {
  const { kind, text } = reader.peek()
  if (kind !== 'word' || !DOMAIN.test(text) || parseCidr(text) !== null)
    return reader.stop(
      `${JSON.stringify(text.slice(0, 60))} is no name of a domain`,
      'write it like example.com or *.example.com',
    )
  return reader.text('a domain', 253)
}

function readCountry(reader: Reader): string {
  const { kind, text } = reader.peek()
  if (kind !== 'word' || !/^[A-Z]{2}$/.test(text))
    return reader.stop(`${JSON.stringify(text.slice(0, 60))} is no code of a country`, 'write it like DE (ISO 3166-1)')
  return reader.text('a country', 2)
}

function readLabels(reader: Reader): Record<string, string> {
  const labels: [string, string][] = []
  do {
    const key = reader.text('a label', 63)
    reader.word(['='])
    labels.push([key, reader.text('the value of a label', 63)])
  } while (reader.take('and'))
  return Object.fromEntries(labels)
}

function readCidr(reader: Reader): string {
  const { kind, text, column } = reader.peek()
  if (kind !== 'word' || parseCidr(text) === null) {
    const why =
      kind === 'end' ? 'the rule ends where a peer is expected' : `${JSON.stringify(text.slice(0, 60))} is no peer`
    throw {
      column,
      why,
      cure: 'give any, an address, a network without host bits like 10.0.0.0/8, persona, label, domain, country, asn or reputation',
    } satisfies Stop
  }
  return reader.text('a network', 64)
}
