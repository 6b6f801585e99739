/** What a draft is to what is in force: the same, a containment, a step up a ladder, something a person asked for. */
import { holdText } from '../model/containment.ts'
import { canonical, sameMeaning } from './canonical.ts'
import type { Draft } from './dress.ts'

export function differs(draft: Draft): boolean {
  return draft.before === null || !sameMeaning(draft.before, draft.after)
}

/** New or renewed containment: only takes reach away, and ends. */
export function isContainment({ before, after }: Draft): boolean {
  return after.containment !== null && canonical(after.containment) !== canonical(before?.containment ?? null)
}

/** A step of a ladder, or a later end of the one it is on. */
export function climbs({ before, after }: Draft): boolean {
  if (after.ladder === undefined) return false
  const was = before?.ladder
  return was === undefined || after.ladder.at > was.at || (after.ladder.at === was.at && after.ladder.until > was.until)
}

/** An automatic tightening; that an effect ended by itself, or that a person asked for it, is not counted against the cap. */
export function isAutomatic(draft: Draft): boolean {
  return (
    isContainment(draft) ||
    climbs(draft) ||
    believesMore(draft) ||
    (draft.before !== null && (draft.byPolicy.length > 0 || draft.effective.cause === 'automatic'))
  )
}

/** Another set of believed personas, or other probabilities that matter, and nothing a person did. */
function believesMore({ before, after }: Draft): boolean {
  if (before === null || after.merged === undefined || before.persona.id !== after.persona.id) return false
  const believed = (state: typeof after) =>
    JSON.stringify(state.merged?.of.filter(({ word }) => word !== 'assigned').map(({ id, p }) => [id, p]) ?? [])
  return believed(before) !== believed(after)
}

export function changeText(draft: Draft): string {
  if (isContainment(draft))
    return `contain it (${holdText(draft.after.containment!)}): ${draft.after.containment!.why.text}`.slice(0, 500)
  if (climbs(draft)) return `tighten it: ${draft.after.ladder!.why.text}`.slice(0, 500)
  return `wear ${draft.effective.persona.ref.name}: ${draft.effective.why.text}`.slice(0, 500)
}
