/**
 * Names that give away a program: many domains that do not exist (a generator of meeting points, DGA), and data carried in
 * the names below one domain (a tunnel).
 */
import type { Evidence } from '../model/evidence.ts'
import type { DnsHint } from '../model/hint.ts'
import { type Detector, saySpan } from './detector.ts'
import type { Ends } from './ends.ts'

const SPAN_MS = 300_000
const HALF_LIFE_MS = 1_800_000
/** RCODE NXDOMAIN (RFC 1035 §4.1.1). */
const NO_SUCH_NAME = 3
/** Search lists and mistyping repeat a few domains; a generator asks for dozens of others. */
const LEAST_DOMAINS = 30
/** RFC 1035 types that carry what somebody likes: NULL, TXT, MX, CNAME, and what iodine and dnscat2 use of them. */
const CARRYING = new Set([5, 10, 15, 16])
/**
 * Below one domain: 50 names in 5 minutes with 30 characters each are 300 bytes a minute up; names of services and caches are
 * short, few, or words. Types that carry data need half the length.
 */
const LEAST_NAMES = 50
const LEAST_LENGTH = 30
const LEAST_ENTROPY = 3
const MAX_NAMES = 1_024

type Book = {
  readonly source: number
  /** '' = domains that do not exist, else the domain below which names are counted. */
  readonly domain: string
  names: Map<string, number>
  carrying: number
  resolver: number
  last: number
}

export function createDnsNames(options: { readonly maxKeys?: number } = {}): Detector {
  const maxKeys = options.maxKeys ?? 16_384
  const held = new Map<string, Book>()
  const news = new Set<Book>()
  let refused = 0

  const note = (hint: DnsHint, source: number, resolver: number, domain: string, name: string): void => {
    const key = `${source} ${domain}`
    let book = held.get(key)
    if (book === undefined) {
      if (held.size >= maxKeys) {
        refused++
        return
      }
      book = { source, domain, names: new Map(), carrying: 0, resolver, last: hint.at }
      held.set(key, book)
    }
    book.last = Math.max(book.last, hint.at)
    book.resolver = resolver
    if (book.names.size >= MAX_NAMES && !book.names.has(name)) expire(book)
    if (book.names.size < MAX_NAMES) {
      if (!book.names.has(name) && CARRYING.has(hint.type)) book.carrying++
      book.names.set(name, hint.at)
    }
    if (book.names.size >= (domain === '' ? LEAST_DOMAINS : LEAST_NAMES)) news.add(book)
  }
  return {
    name: 'dns-names',
    spanMs: SPAN_MS,
    get held() {
      return held.size
    },
    get refused() {
      return refused
    },
    add(batch, ends) {
      for (let i = 0; i < batch.hints.length; i++) {
        const hint = batch.hints[i]!
        if (hint.kind !== 'dns' || ends.hintSource[i]! < 0) continue
        const domain = domainOf(hint.query)
        if (domain === null) continue
        const [source, resolver] = [ends.hintSource[i]!, ends.hintTarget[i]!]
        if (hint.code === NO_SUCH_NAME) note(hint, source, resolver, '', domain)
        const below = hint.query.length - domain.length - 1
        if (below >= LEAST_LENGTH / 2) note(hint, source, resolver, domain, hint.query.slice(0, below))
      }
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const book of news) {
        expire(book)
        const evidence = book.domain === '' ? judgeAbsent(book, ends) : judgeTunnel(book, ends)
        if (evidence !== null) found.push(evidence)
      }
      news.clear()
      return found
    },
    forget(before, after = Number.POSITIVE_INFINITY) {
      for (const [key, book] of held) {
        if (book.last >= before && book.last <= after) continue
        held.delete(key)
        news.delete(book)
      }
    },
    drop(sources) {
      for (const [key, book] of held) if (sources.has(book.source) && held.delete(key)) news.delete(book)
    },
  }
}

/** Names come in the order of time: the old ones are in front. */
function expire(book: Book): void {
  const share = book.names.size === 0 ? 0 : book.carrying / book.names.size
  for (const [name, at] of book.names) if (at < book.last - SPAN_MS) book.names.delete(name)
  book.carrying = share * book.names.size
}

/** Reverse look-ups, local names and single labels are asked for nothing all day. */
const LOCAL = /(?:^|\.)(?:arpa|local|lan|home|internal|localdomain|invalid|test|example)$/

/** The part of a name that somebody registered: two labels, three below the likes of co.uk. Null for what nobody did. */
export function domainOf(name: string): string | null {
  const top = name.lastIndexOf('.')
  if (top < 0 || LOCAL.test(name)) return null
  const second = dotBefore(name, top)
  const isShared = second >= 0 && name.length - top === 3 && top - second <= 4
  return name.slice((isShared ? dotBefore(name, second) : second) + 1)
}

/** `lastIndexOf` takes a place below 0 for 0. */
const dotBefore = (name: string, at: number): number => (at === 0 ? -1 : name.lastIndexOf('.', at - 1))

function judgeAbsent(book: Book, ends: Ends): Evidence | null {
  const count = book.names.size
  if (count < LEAST_DOMAINS) return null
  const spanMs = spanOf(book)
  const some = [...book.names.keys()].slice(-3).join(', ')
  // 2 at the threshold (σ(−0.6) = 0.35), half a log-odd per doubling.
  const weight = Math.min(3.5, 2 + Math.log2(count / LEAST_DOMAINS) / 2)
  const why = `asked for names in ${count} domains that do not exist in ${saySpan(spanMs)}, such as ${some}`
  return evidence('dns.nxdomain', book, ends, null, weight, why, { domains: count, spanMs })
}

function judgeTunnel(book: Book, ends: Ends): Evidence | null {
  const count = book.names.size
  if (count < LEAST_NAMES) return null
  let length = 0
  let bits = 0
  for (const name of book.names.keys()) {
    length += name.length
    bits += entropy(name)
  }
  const meanLength = length / count
  const meanBits = bits / count
  const carriesData = book.carrying / count >= 0.5
  if (meanLength < (carriesData ? LEAST_LENGTH / 2 : LEAST_LENGTH) || meanBits < LEAST_ENTROPY) return null
  const spanMs = spanOf(book)
  const weight = Math.min(3.5, 2 + Math.log2(count / LEAST_NAMES) / 2)
  const why = `asked for ${count} names below ${book.domain} in ${saySpan(spanMs)}, ${Math.round(meanLength)} characters each that look like data`
  const figures = { names: count, meanLength, bitsPerCharacter: meanBits, spanMs }
  return evidence('dns.tunnel', book, ends, book.domain.slice(0, 128), weight, why, figures)
}

function evidence(
  kind: Evidence['kind'],
  book: Book,
  ends: Ends,
  peer: string | null,
  weight: number,
  why: string,
  figures: Record<string, number>,
): Evidence {
  return {
    kind,
    subject: ends.text(book.source),
    peer,
    weight,
    halfLifeMs: HALF_LIFE_MS,
    at: book.last,
    // Questions over UDP can be asked in anybody's name.
    authenticated: false,
    source: 'detector dns-names/1',
    why: why.slice(0, 500),
    figures,
  }
}

function spanOf(book: Book): number {
  let first = book.last
  for (const at of book.names.values()) first = Math.min(first, at)
  return book.last - first
}

/** Bits per character (Shannon 1948), dots left out. */
function entropy(name: string): number {
  const counts = new Map<string, number>()
  let total = 0
  for (const c of name) {
    if (c === '.') continue
    counts.set(c, (counts.get(c) ?? 0) + 1)
    total++
  }
  let bits = 0
  for (const n of counts.values()) bits -= (n / total) * Math.log2(n / total)
  return bits
}
