/** What automation may do by itself: one table of modes, caps and approval classes. */
import type { ApprovalClass } from '../model/plan.ts'
import { canonical } from './canonical.ts'
import type { Draft, Notes } from './dress.ts'
import type { DecideInput } from './plan.ts'
import { differs } from './plan-drafts.ts'

export function freezeAboveCap(input: DecideInput, drafts: readonly Draft[], notes: Notes): void {
  const automatic = drafts.filter((draft) => differs(draft) && isAutomatic(draft))
  const room = Math.max(0, input.settings.maxChangesPerMinute - input.recentChanges)
  if (automatic.length <= room) return
  const text = `automation would change ${automatic.length} workloads now and changed ${input.recentChanges} in the last minute, above the cap of ${input.settings.maxChangesPerMinute}: it only suggests until that falls`
  notes.alarms.push({ rule: 'cap/changes-per-minute', text })
  for (const draft of automatic) {
    notes.wouldDo.push({ workload: draft.record.id, why: { rule: 'cap/changes-per-minute', text: changeText(draft) } })
    // What is in force stays: frozen means neither tightened nor loosened by itself.
    if (draft.before !== null) draft.after = draft.before
    else draft.after = { ...draft.after, containment: null }
  }
}

/** One person for a change that cuts talk on more than 10 workloads and a quarter of the fleet; two for more than half of 20 or more. First adoption is what its owner declared. */
export function approvalFor(fleet: number, moved: number, cut: number): ApprovalClass {
  if (cut === 0 || moved <= Math.max(10, fleet / 4)) return 'auto'
  return fleet >= 20 && moved > fleet / 2 ? 'two' : 'one'
}

/** New or renewed containment: only takes reach away, and ends. */
export function isContainment({ before, after }: Draft): boolean {
  return after.containment !== null && canonical(after.containment) !== canonical(before?.containment ?? null)
}
/** An automatic tightening; that an effect ended by itself, or that a person asked for it, is not counted against the cap. */
function isAutomatic(draft: Draft): boolean {
  return (
    isContainment(draft) ||
    (draft.before !== null && (draft.byPolicy.length > 0 || draft.effective.cause === 'automatic'))
  )
}
export function changeText(draft: Draft): string {
  if (isContainment(draft))
    return `contain it (${draft.after.containment!.directions}): ${draft.after.containment!.why.text}`.slice(0, 500)
  return `wear ${draft.effective.persona.ref.name}: ${draft.effective.why.text}`.slice(0, 500)
}
