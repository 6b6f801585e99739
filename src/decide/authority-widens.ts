/** Whether a change lets anybody reach more: some flow that was denied, or limited, before it and is allowed after. */
import type { DesiredState, ResolvedRule, RuleList } from '../model/desired.ts'
import { meet } from './merge/product.ts'
import { intersect, regionOf } from './merge/region.ts'

type Lists = Pick<DesiredState, 'egress' | 'ingress'>

/** Equal changes are looked at once; sets count by name, so a member that comes is no change of rules. */
export function createWidening(): (before: Lists | null, after: Lists) => boolean {
  const known = new Map<string, boolean>()
  const widens = (before: RuleList, after: RuleList): boolean => {
    const key = JSON.stringify([before, after], (name, value: unknown) => (name === 'why' ? undefined : value))
    const found = known.get(key) ?? widensList(before, after)
    known.set(key, found)
    return found
  }
  return (before, after) =>
    before !== null && (widens(before.egress, after.egress) || widens(before.ingress, after.ingress))
}

/** Too many rules to be compared: taken as widening, because nobody can say that it is not. */
function widensList(before: RuleList, after: RuleList): boolean {
  const lost = budgetsOf(before).filter((old) => !budgetsOf(after).some((now) => bindsAsMuch(now, old)))
  const met = meet(
    [withoutBudgets(before), withoutBudgets(after)],
    (said) => lost.length === 0 && said.length === 1 && said[0]!.rule === null && before.otherwise === 'allow',
  )
  if (met === null) return true
  return met.some(({ region, said: [was, will] }) => {
    if (was === undefined || will === undefined) return false
    const had = was.rule?.verdict ?? before.otherwise
    const has = will.rule?.verdict ?? after.otherwise
    if (has !== 'allow') return false
    if (had !== 'allow' || lost.some(({ match }) => intersect(region, regionOf(match)) !== null)) return true
    const [old, now] = [was.rule?.limit, will.rule?.limit]
    return old !== undefined && (now === undefined || now.unit !== old.unit || now.perSecond > old.perSecond)
  })
}

/** A budget denies what is above it alone: of the rest it decides nothing, and who has one may still be let reach more. */
const withoutBudgets = (list: RuleList): RuleList => ({
  ...list,
  rules: list.rules.filter(({ beyond }) => beyond === undefined),
})
const budgetsOf = ({ rules }: RuleList) => rules.filter(({ beyond }) => beyond !== undefined)

function bindsAsMuch({ match, beyond: now }: ResolvedRule, { match: of, beyond: old }: ResolvedRule): boolean {
  if (now === undefined || old === undefined || JSON.stringify(match) !== JSON.stringify(of)) return false
  if (now.seconds < old.seconds) return false
  if (old.kind === 'new' || now.kind === 'new') return old.kind === now.kind
  return now.per === old.per && now.bytes <= old.bytes
}
