/** Evidence moves risk. One fact each, with who is to blame, whether it could be forged, and a sentence a person reads. */
import { type Static, Type } from 'typebox'
import { mapping } from './mapping.ts'

export const EVIDENCE_KINDS = [
  'beacon',
  'scan.horizontal',
  'scan.vertical',
  'scan.icmp',
  'exfiltration',
  'bruteforce',
  'dns.nxdomain',
  'dns.tunnel',
  'sensor.alert',
  'dlp.budget',
  'dlp.burst',
  'dlp.destination',
  'dlp.name',
  'blocklist',
  'belief',
  'drift',
  'manual',
] as const

/** A week: nothing that was seen once counts for good, so what rests on it ends. */
const MAX_HALF_LIFE_MS = 7 * 86_400_000

export const Evidence = Type.Object(
  {
    kind: Type.Enum([...EVIDENCE_KINDS]),
    /** The workload or address to blame (never the victim). */
    subject: Type.String({ maxLength: 128 }),
    /** The other end, `203.0.113.7`, `203.0.113.7:443` or `10.0.0.0/24`; null when there is none. */
    peer: Type.Union([Type.String({ maxLength: 128 }), Type.Null()]),
    /** log-odds it adds when fresh */
    weight: Type.Number({ minimum: -10, maximum: 10 }),
    halfLifeMs: Type.Number({ exclusiveMinimum: 0, maximum: MAX_HALF_LIFE_MS }),
    /** epoch ms of the newest observation behind it */
    at: Type.Number({ minimum: 0, maximum: 8.64e15 }),
    /** true = the source address cannot have been forged (handshake or anti-spoofed interface). Only such may block alone. */
    authenticated: Type.Boolean(),
    /** Which detector or feed said so, and its version. */
    source: Type.String({ maxLength: 128 }),
    /** One sentence with numbers. */
    why: Type.String({ maxLength: 500 }),
    /** The figures behind the sentence, for charts and replay. */
    figures: mapping(64, Type.Number(), 64),
  },
  { additionalProperties: false, $id: 'Evidence' },
)
export type Evidence = Static<typeof Evidence>

/** One term of the sum, as it counts now. */
export type RiskTerm = { readonly evidence: Evidence; readonly logOdds: number; readonly decayed: number }

/** risk = σ(base + Σ terms); everything needed to write the sum out is here. */
export type Risk = {
  readonly value: number
  readonly base: number
  readonly sum: number
  readonly terms: readonly RiskTerm[]
  readonly at: number
}
