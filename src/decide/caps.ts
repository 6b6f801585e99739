/** Caps at work: what automation would change beyond them is only said, and what is in force stays. */
import { capBroken } from './authority.ts'
import { changeText, differs, isAutomatic } from './draft-change.ts'
import type { Draft, Notes } from './dress.ts'
import type { DecideInput } from './plan.ts'

/** Changes the drafts it holds back. */
export function holdAboveCap(input: DecideInput, drafts: readonly Draft[], notes: Notes): void {
  const automatic = drafts.filter((draft) => differs(draft) && isAutomatic(draft))
  const { settings, workloads, recentChanges, now } = input
  const tripped = settings.tripped ?? null
  const broken = tripped === null ? capBroken(settings, workloads.length, automatic.length, recentChanges) : null
  if (broken !== null) notes.alarms.push(broken)
  if (tripped === null && broken === null) return
  const rule = broken?.rule ?? tripped!.why.rule
  for (const draft of automatic) {
    notes.wouldDo.push({ workload: draft.record.id, why: { rule, text: changeText(draft) } })
    draft.after = held(draft, now)
  }
}

/** Neither tightened nor loosened by itself; only what ended has ended. */
function held({ before, after }: Draft, now: number): Draft['after'] {
  if (before === null) {
    const { ladder: _ladder, ...rest } = after
    return { ...rest, containment: null }
  }
  return before.containment !== null && before.containment.until <= now ? { ...before, containment: null } : before
}
