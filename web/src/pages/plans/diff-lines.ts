/** A step's rules as pairs of lines, before and after: what stays first, then what goes beside what comes. */
import { t } from 'i18next'
import { deadline } from '../../format.ts'
import type { Reason, RuleText, StepPreview } from '../../nouns.ts'
import { boundWords, heldAs } from '../../parts/bound.ts'

export type DiffLine = {
  readonly n: number | null
  readonly verdict: RuleText['verdict']
  readonly to: string
  readonly service: string
  readonly seen: number | null
  readonly why: Reason | null
}
export type Pair = {
  readonly key: string
  readonly is: 'same' | 'changed'
  readonly before: DiffLine | null
  readonly after: DiffLine | null
}

const line = (rule: RuleText, n: number): DiffLine => {
  const { verdict, peer, service, seen, why } = rule
  return { n, verdict, to: peer, service, seen, why }
}

export function pairsOf(step: StepPreview, direction: 'egress' | 'ingress', now: number): Pair[] {
  const { removed, added, kept, otherwise } = step.rules[direction]
  const contained = containedLine(step, direction, now)
  const was = removed.map((rule) => line(rule, rule.n))
  const will = added.map((rule) => line(rule, rule.n))
  if (contained?.is === 'ends') was.unshift(contained.line)
  if (contained?.is === 'begins') will.unshift(contained.line)
  const changed = Array.from({ length: Math.max(was.length, will.length) }, (_, i) => {
    return [was[i] ?? null, will[i] ?? null] as const
  })
  if (otherwise.before !== otherwise.after) {
    const before = otherwise.before === null ? null : restLine(otherwise.before)
    changed.push([before, restLine(otherwise.after)])
  }
  return [
    ...kept.map((rule): Pair => {
      return { key: `same ${rule.n}`, is: 'same', before: line(rule, rule.was ?? rule.n), after: line(rule, rule.n) }
    }),
    ...changed.map(([before, after], i): Pair => ({ key: `changed ${i}`, is: 'changed', before, after })),
  ]
}

const restLine = (verdict: 'allow' | 'deny'): DiffLine => {
  return { n: null, verdict, to: t('planPage.diff.rest'), service: t('planPage.diff.any'), seen: null, why: null }
}

/** A containment is one rule before all others, in the words of one; it stands with what goes out. */
function containedLine(
  { facets, containment }: StepPreview,
  direction: 'egress' | 'ingress',
  now: number,
): { readonly is: 'begins' | 'ends'; readonly line: DiffLine } | null {
  const changed = facets.changed.find((one) => one.facet === 'containment')
  if (changed === undefined || direction === 'ingress') return null
  const line = { n: null, verdict: 'deny', seen: null } as const
  if (containment === null)
    return { is: 'ends', line: { ...line, to: localTimes(changed.before ?? '', now), service: '', why: changed.why } }
  const to = t(`planPage.diff.contained.${heldAs(containment)}`, { bound: boundWords(containment.limit) })
  const service = t('planPage.diff.spared', { until: deadline(containment.until, now) })
  return { is: 'begins', line: { ...line, to, service, why: containment.why } }
}

/** Moments come as ISO 8601, and are read here as every deadline is. */
function localTimes(text: string, now: number): string {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (moment) => deadline(Date.parse(moment), now))
}

/** Rules and facets of a plan that differ, for the heading. */
export function countChanges(steps: readonly StepPreview[]): { readonly rules: number; readonly facets: number } {
  let rules = 0
  let facets = 0
  for (const step of steps) {
    for (const { removed, added, more, otherwise } of [step.rules.egress, step.rules.ingress]) {
      rules += Math.max(removed.length + more.removed, added.length + more.added)
      if (otherwise.before !== otherwise.after) rules += 1
    }
    facets += facetRows(step).length
    if (step.facets.changed.some((one) => one.facet === 'containment')) rules += 1
  }
  return { rules, facets }
}

/** Facets that the rules show already. */
export const IN_RULES: readonly string[] = ['containment', 'rest-out', 'rest-in']

/** The others that change. */
export function facetRows(step: StepPreview) {
  return step.facets.changed.filter(({ facet }) => !IN_RULES.includes(facet))
}
