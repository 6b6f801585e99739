/** Regions with what each list says of them become one list again: a rule each, without those that change nothing. */
import type { ResolvedRule, RuleList } from '../../model/desired.ts'
import type { SetMeaning } from '../peer-sets.ts'
import type { Judge, Voice } from './judges.ts'
import type { Met, Said } from './product.ts'
import { matchOf, type Region } from './region.ts'

type Who = { readonly name: string; readonly p: number }
type Piece = { readonly region: Region; readonly head: Said; readonly rule: Omit<ResolvedRule, 'match'> }

export function rulesOf(
  met: readonly Met[],
  lists: readonly RuleList[],
  who: readonly Who[],
  judge: Judge,
  sets: Map<string, SetMeaning>,
): RuleList {
  const pieces = met.map((one) => pieceOf(one, lists, who, judge))
  const whole = sharedLimits(joinedRows(pieces))
  const last = whole.at(-1)!
  const verdict = last.rule.verdict === 'allow' ? ('allow' as const) : ('deny' as const)
  const rest = withoutTail(whole.slice(0, -1), last, verdict)
  return {
    rules: rest.map(({ region, rule }) => {
      const { match, derived } = matchOf(region, sets)
      for (const [name, meaning] of derived) sets.set(name, meaning)
      return { ...rule, match }
    }),
    otherwise: verdict,
    why: last.rule.why,
  }
}

function pieceOf({ region, said }: Met, lists: readonly RuleList[], who: readonly Who[], judge: Judge): Piece {
  const voices = said.map(({ rule }, i): Voice => ({ ...who[i]!, verdict: rule?.verdict ?? lists[i]!.otherwise }))
  const { allows, by, text, p } = judge.decide(voices)
  const source = said[by]!.rule
  const own = source?.why ?? lists[by]!.why
  const why = {
    ...own,
    text: text === null ? own.text : `${text}: ${own.text}`.slice(0, 500),
    ...(own.policy === undefined ? { persona: own.persona ?? who[by]!.name, p: round(own.p ?? p) } : {}),
    ...(text === null ? {} : { p: round(p) }),
  }
  if (!allows)
    return { region, head: said[0]!, rule: { verdict: source?.verdict === 'reject' ? 'reject' : 'deny', why } }
  const limits = said.flatMap(({ rule }) => rule?.limit ?? [])
  const log = said.some(({ rule }) => rule?.verdict === 'allow' && rule.log === true) ? { log: true as const } : {}
  const [limit] = limits.toSorted((a, b) => a.perSecond - b.perSecond)
  if (limit === undefined) return { region, head: said[0]!, rule: { verdict: 'allow', why, ...log } }
  // One rule counts flows or bytes; what both may bound apart is let through by neither.
  if (limits.some((one) => one.unit !== limit.unit))
    return {
      region,
      head: said[0]!,
      rule: { verdict: 'deny', why: { ...why, text: `two limits of different kinds: ${why.text}`.slice(0, 500) } },
    }
  return { region, head: said[0]!, rule: { verdict: 'allow', why, limit, ...log } }
}

const round = (p: number) => Math.min(1, Math.round(p * 1_000) / 1_000)

/** Where all parts of one rule of the first list came to the same, it is one rule again. */
function joinedRows(pieces: readonly Piece[]): Piece[] {
  const out: Piece[] = []
  for (let from = 0; from < pieces.length; ) {
    let to = from
    while (to < pieces.length && pieces[to]!.head === pieces[from]!.head) to++
    const row = pieces.slice(from, to)
    const [one] = row as [Piece]
    const isSame = row.every(({ rule }) => sameEffect(rule, one.rule))
    out.push(...(isSame && row.length > 1 ? [{ ...one, region: one.head.region }] : row))
    from = to
  }
  return out
}

function sameEffect(a: Piece['rule'], b: Piece['rule']): boolean {
  return a.verdict === b.verdict && a.log === b.log && JSON.stringify(a.limit) === JSON.stringify(b.limit)
}

/** A limit that fell into parts is shared out among them, so that together they let no more through. */
function sharedLimits(pieces: readonly Piece[]): Piece[] {
  const parts = new Map<string, number>()
  const keyOf = ({ rule }: Piece) => JSON.stringify([rule.why.rule, rule.limit])
  for (const one of pieces) if (one.rule.limit !== undefined) parts.set(keyOf(one), (parts.get(keyOf(one)) ?? 0) + 1)
  return pieces.map((one) => {
    const { limit } = one.rule
    const n = limit === undefined ? 1 : parts.get(keyOf(one))!
    if (limit === undefined || n === 1) return one
    return {
      ...one,
      rule: { ...one.rule, limit: { ...limit, perSecond: Math.max(1, Math.floor(limit.perSecond / n)) } },
    }
  })
}

/** Rules right before the end that say what the end says, in the name of the same persona: others keep their why. */
function withoutTail(pieces: readonly Piece[], last: Piece, otherwise: 'allow' | 'deny'): Piece[] {
  const isPlain = ({ rule }: Piece) =>
    rule.verdict === otherwise &&
    rule.limit === undefined &&
    rule.log === undefined &&
    rule.why.persona === last.rule.why.persona
  return pieces.slice(0, pieces.findLastIndex((one) => !isPlain(one)) + 1)
}
