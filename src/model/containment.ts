/** What a containment takes away: flows that are cut, or a bound on those that are not. */
import type { DesiredState } from './desired.ts'
import { limitText } from './limit-words.ts'

export type Containment = NonNullable<DesiredState['containment']>
export type Hold = Pick<Containment, 'directions' | 'limit'>

const RANK = { none: 0, egress: 1, both: 2 } as const

/** Flows of that direction are cut off. */
export function cuts({ directions }: Hold, direction: 'egress' | 'ingress'): boolean {
  return RANK[directions] >= (direction === 'egress' ? RANK.egress : RANK.both)
}

/** What it lets those through by that it does not cut; null = no bound. */
export function boundOf(hold: Hold, direction: 'egress' | 'ingress'): NonNullable<Hold['limit']> | null {
  return cuts(hold, direction) ? null : (hold.limit ?? null)
}

/** Both at once. Of two limits the smaller; of limits that count different things, the first. */
export function joinHolds(one: Hold, other: Hold): Hold {
  const directions = RANK[one.directions] >= RANK[other.directions] ? one.directions : other.directions
  const [mine, theirs] = [one.limit, other.limit]
  const isSmaller = mine !== undefined && mine.unit === theirs?.unit && theirs.perSecond < mine.perSecond
  const limit = mine === undefined || isSmaller ? theirs : mine
  return { directions, ...(limit === undefined || directions === 'both' ? {} : { limit }) }
}

/** Whether it leaves anything that the other takes away. */
export function leavesMore(next: Hold, old: Hold): boolean {
  return !sameHold(joinHolds(old, next), next)
}

export function sameHold(one: Hold, other: Hold): boolean {
  return (
    one.directions === other.directions &&
    one.limit?.unit === other.limit?.unit &&
    one.limit?.perSecond === other.limit?.perSecond
  )
}

/** `cut off both ways`, `at most 20 new flows a second each way`, `outbound cut off, inbound at most 20 new flows a second`. */
export function holdText({ directions, limit }: Hold): string {
  const cut = { none: '', egress: 'outbound cut off', both: 'cut off both ways' }[directions]
  if (limit === undefined || directions === 'both') return cut
  const bound = `at most ${limitText(limit)}`
  return cut === '' ? `${bound} each way` : `${cut}, inbound ${bound}`
}
