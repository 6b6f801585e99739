/**
 * Which personas a workload wears at once, by whose word and with what probability. The first is the one it wears anyway;
 * beside it come those a person wrote under `with`, and believed ones, which move in steps so that a belief that wavers does
 * not change a kernel with every window.
 */
import type { Belief } from '../../model/belief.ts'
import { slug } from '../../model/ids.ts'
import type { PolicyManifest } from '../../model/manifest.ts'
import type { Merged, Overlap, Word } from '../../model/overlap.ts'
import type { Persona } from '../effective.ts'
import { sortPolicies } from '../resolve.ts'

export type Chosen = { readonly overlap: Overlap; readonly by: string }
/** `alone`: its probability were nobody inferred beside it; what the assigned ones allow together does not move with a belief. */
export type Worn = { readonly persona: Persona; readonly p: number; readonly word: Word; readonly alone: number }

/** How far a probability must move before it counts as another one. */
const DEAD_BAND = 0.1
const GRAIN = 0.05

/** A policy's word goes before the persona's own; of several policies, the first. */
export function overlapFor(persona: Persona, applying: readonly PolicyManifest[]): Chosen | null {
  const policy = sortPolicies(applying).find(({ spec }) => spec.mode === 'enforce' && spec.overlap !== undefined)
  if (policy?.spec.overlap !== undefined) return { overlap: policy.spec.overlap, by: `policy ${policy.metadata.name}` }
  const own = persona.spec.overlap
  return own === undefined ? null : { overlap: own, by: `persona ${persona.ref.name}` }
}

/** `before`: what is in force, whose probabilities are kept until they moved far enough. Personas nobody defined are left out. */
export function wornBy(
  first: Persona,
  overlap: Overlap,
  belief: Belief | null,
  personas: ReadonlyMap<string, Persona>,
  before: Merged | null,
): readonly [Worn, ...Worn[]] {
  const beside = (overlap.with ?? []).flatMap(({ persona, weight }) => {
    const found = personas.get(slug(persona))
    return found === undefined || found.ref.id === first.ref.id ? [] : [{ persona: found, weight }]
  })
  const taken = new Set<string>([first.ref.id, ...beside.map(({ persona }) => persona.ref.id)])
  const believed = believedOf(overlap, belief, personas, before).filter(({ persona }) => !taken.has(persona.ref.id))
  const leftBy = (some: readonly Believed[]) => Math.max(0, 1 - some.reduce((sum, one) => sum + one.p, 0))
  const left = leftBy(believed)
  const alone = leftBy(believed.filter(({ word }) => word === 'trusted'))
  const shared = beside.reduce((sum, one) => sum + one.weight, 0)
  const assigned = (persona: Persona, part: number): Worn => ({
    persona,
    p: round(left * part),
    word: 'assigned',
    alone: round(alone * part),
  })
  return [
    assigned(first, Math.max(0, 1 - shared)),
    ...beside.toSorted((a, b) => b.weight - a.weight).map(({ persona, weight }) => assigned(persona, weight)),
    ...believed.map((one): Worn => ({ ...one, alone: one.p })),
  ]
}

type Believed = Omit<Worn, 'alone'>

function believedOf(
  overlap: Overlap,
  belief: Belief | null,
  personas: ReadonlyMap<string, Persona>,
  before: Merged | null,
): Believed[] {
  const { believed: least, trust } = overlap
  if (belief === null || (least === undefined && trust === undefined)) return []
  const recognised = new Map(
    [...personas.values()].flatMap((one) =>
      one.spec.recognisedAs === undefined ? [] : [[one.spec.recognisedAs as string, one] as const],
    ),
  )
  return belief.personas.flatMap(({ persona: name, p: now }): Believed[] => {
    const persona = personas.get(slug(name)) ?? recognised.get(name)
    if (persona === undefined) return []
    const was = before?.of.find((one) => one.id === persona.ref.id && one.word !== 'assigned')
    // What is granted is given up at once when the belief falls; what only tightens stays a little longer.
    const isTrusted = trust !== undefined && now >= trust.inferred
    const from = (least ?? 2) - (was === undefined ? 0 : DEAD_BAND)
    if (!isTrusted && now < from) return []
    const p = was !== undefined && Math.abs(was.p - now) < DEAD_BAND ? was.p : round(Math.round(now / GRAIN) * GRAIN)
    return [{ persona, p: Math.min(1, p), word: isTrusted ? 'trusted' : 'inferred' }]
  })
}

const round = (p: number) => Math.round(p * 1_000) / 1_000
