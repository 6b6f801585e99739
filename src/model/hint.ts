/**
 * What a source can tell of a conversation beside its columns: names asked for, fingerprints of a TLS client, log-ins.
 * Hints ride on the batch they were found in (`FlowBatch.hints`), in the order of time; few flows have one, so they are
 * objects. Every text in them comes from the network, that is from attackers: sanitised and cut by whoever makes the
 * hint (`plainText`), never used as a path, a command or markup.
 */

/** Who spoke to whom: `source` is the client, 4 words an address (address.ts). */
export type HintEnds = {
  /** epoch ms */
  readonly at: number
  readonly source: readonly [number, number, number, number]
  readonly target: readonly [number, number, number, number]
  readonly sourcePort: number
  readonly targetPort: number
  readonly proto: number
}

/** A DNS question and, when it was seen, its answer (RFC 1035). */
export type DnsHint = HintEnds & {
  readonly kind: 'dns'
  /** Lower case, no trailing dot, at most 255 characters. */
  readonly query: string
  /** QTYPE as a number, 0 = not known. */
  readonly type: number
  /** RCODE, −1 = no answer seen. */
  readonly code: number
  /** Addresses and names it was answered with, at most 16. */
  readonly answers: readonly string[]
  /** ms from question to answer, −1 = not known. */
  readonly answeredMs: number
}

/** What a TLS client said of itself (RFC 8446 §4.1.2; JA3: salesforce/ja3; JA4: FoxIO JA4 client). Empty text = not known. */
export type TlsHint = HintEnds & {
  readonly kind: 'tls'
  readonly serverName: string
  /** As Zeek writes it: `TLSv12`, `TLSv13`. */
  readonly version: string
  readonly ja3: string
  readonly ja3s: string
  readonly ja4: string
  /** First ALPN protocol offered. */
  readonly protocol: string
}

/** One HTTP request (RFC 9110). */
export type HttpHint = HintEnds & {
  readonly kind: 'http'
  readonly method: string
  readonly host: string
  /** At most 200 characters. */
  readonly path: string
  readonly userAgent: string
  /** 0 = no answer seen. */
  readonly status: number
}

/** One attempt to log in; what was said as name or password is never kept. */
export type LoginHint = HintEnds & {
  readonly kind: 'login'
  readonly service: 'ssh' | 'smtp' | 'ftp' | 'http' | 'rdp' | 'other'
  readonly outcome: 'accepted' | 'refused' | 'unknown'
  /** Software the client says it is (`SSH-2.0-…`), empty = not known. */
  readonly client: string
}

/** An alert of another sensor (Suricata): somebody else's judgement, kept as such. */
export type AlertHint = HintEnds & {
  readonly kind: 'alert'
  readonly sensor: string
  readonly signature: string
  readonly category: string
  /** 1 = worst, as Suricata counts. */
  readonly severity: number
}

export type Hint = DnsHint | TlsHint | HttpHint | LoginHint | AlertHint

/** More hints than this on one batch are counted, not kept. */
export const MAX_HINTS = 8_192
