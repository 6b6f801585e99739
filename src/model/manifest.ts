/**
 * Manifests: what people write. `apiVersion: guise/v1`, a kind, metadata and a spec; one schema each, closed
 * (an unknown field is an error with its place, never silence), published as JSON Schema.
 */
import { type Static, type TObject, Type } from 'typebox'
import { PersonaSpec } from './persona.ts'
import { Duration, Policy as PolicySpec } from './policy.ts'

export const API_VERSION = 'guise/v1'
export const KINDS = ['Persona', 'Policy', 'Trigger', 'Feed'] as const
export type Kind = (typeof KINDS)[number]

export const Metadata = Type.Object(
  {
    /** Shown to people; its slug is the id. */
    name: Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]*$' }),
    labels: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9._/-]{1,63}$' }), Type.String({ maxLength: 63 }), {
        additionalProperties: false,
      }),
    ),
    description: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
)

/** How often the server looks for lists that are due. */
export const FEED_ROUND_MS = 60_000

/** A local list of addresses or CIDRs, one a line, optional score after white space or a comma: reputation and block-lists. */
export const FeedSpec = Type.Object(
  {
    /** Path of the list on the server, under the data directory's `feeds/` or absolute and readable by the server. */
    path: Type.String({ minLength: 1, maxLength: 4096 }),
    /** What a line means: `blocklist` = known bad (score 0 unless given), `reputation` = the score counts, `neverBlock` = above every deny; `location` = no list but a MaxMind DB file of countries or AS numbers. */
    use: Type.Union([
      Type.Literal('blocklist'),
      Type.Literal('reputation'),
      Type.Literal('neverBlock'),
      Type.Literal('location'),
    ]),
    /** 0 = certainly bad, 1 = certainly good; for lines without a score of their own. */
    score: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    /** Trust in the feed itself: scales evidence weight. */
    confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.8 })),
    /** How often the list is read again; a minute at least, and a minute when left out. */
    refresh: Type.Optional(Duration),
  },
  { additionalProperties: false },
)

/** Accepted by the schema, refused as `kind-not-supported` until its engine lands. */
export const TriggerSpec = Type.Object(
  {
    when: Type.String({ minLength: 1, maxLength: 2000 }),
    for: Type.Optional(Type.String()),
    shift: Type.Object({ persona: Type.String(), ttl: Type.Optional(Type.String()) }, { additionalProperties: false }),
    dwell: Type.Optional(Type.String()),
    cooldown: Type.Optional(Type.String()),
    approval: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

const manifest = <K extends Kind, S extends TObject>(kind: K, spec: S) =>
  Type.Object(
    { apiVersion: Type.Literal(API_VERSION), kind: Type.Literal(kind), metadata: Metadata, spec },
    { additionalProperties: false, $id: kind },
  )

export const PersonaManifest = manifest('Persona', PersonaSpec)
export const PolicyManifest = manifest('Policy', PolicySpec)
export const TriggerManifest = manifest('Trigger', TriggerSpec)
export const FeedManifest = manifest('Feed', FeedSpec)
export type PersonaManifest = Static<typeof PersonaManifest>
export type PolicyManifest = Static<typeof PolicyManifest>
export type TriggerManifest = Static<typeof TriggerManifest>
export type FeedManifest = Static<typeof FeedManifest>
export type Manifest = PersonaManifest | PolicyManifest | TriggerManifest | FeedManifest

export const MANIFEST_SCHEMAS = {
  Persona: PersonaManifest,
  Policy: PolicyManifest,
  Trigger: TriggerManifest,
  Feed: FeedManifest,
} as const satisfies Record<Kind, TObject>
