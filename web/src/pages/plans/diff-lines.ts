/** A step's rules as pairs of lines, before and after: what stays first, then what goes beside what comes. */
import { t } from 'i18next'
import { deadline } from '../../format.ts'
import type { Reason, RuleText, StepPreview } from '../../nouns.ts'

export type DiffLine = {
  readonly n: number | null
  readonly verdict: 'allow' | 'deny'
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
  const changed: [DiffLine | null, DiffLine | null][] = []
  const contained = containedLines(step, direction, now)
  if (contained !== null) changed.push(contained)
  for (let i = 0; i < Math.max(removed.length, added.length); i++) {
    const [was, will] = [removed[i], added[i]]
    changed.push([was === undefined ? null : line(was, was.n), will === undefined ? null : line(will, will.n)])
  }
  if (otherwise.before !== otherwise.after) {
    const rest = (verdict: 'allow' | 'deny'): DiffLine => {
      return { n: null, verdict, to: t('planPage.diff.rest'), service: t('planPage.diff.any'), seen: null, why: null }
    }
    changed.push([otherwise.before === null ? null : rest(otherwise.before), rest(otherwise.after)])
  }
  return [
    ...kept.map((rule): Pair => {
      return { key: `same ${rule.n}`, is: 'same', before: line(rule, rule.was ?? rule.n), after: line(rule, rule.n) }
    }),
    ...changed.map(([before, after], i): Pair => ({ key: `changed ${i}`, is: 'changed', before, after })),
  ]
}

/** A containment is one rule before all others, in the words of one. */
function containedLines(
  step: StepPreview,
  direction: 'egress' | 'ingress',
  now: number,
): [DiffLine | null, DiffLine | null] | null {
  const changed = step.facets.changed.find((one) => one.facet === 'containment')
  if (changed === undefined) return null
  const { containment } = step
  if (containment === null) {
    if (direction === 'ingress') return null
    return [{ n: null, verdict: 'deny', to: changed.before ?? '', service: '', seen: null, why: changed.why }, null]
  }
  if (direction === 'ingress') return null
  const to = t(containment.directions === 'egress' ? 'planPage.diff.containedEgress' : 'planPage.diff.containedBoth')
  const service = t('planPage.diff.spared', { until: deadline(containment.until, now) })
  return [null, { n: null, verdict: 'deny', to, service, seen: null, why: containment.why }]
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

/** Those the rules do not show already. */
export function facetRows(step: StepPreview) {
  return step.facets.changed.filter(({ facet }) => !['containment', 'rest-out', 'rest-in'].includes(facet))
}
