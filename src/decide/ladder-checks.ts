/** What a ladder may say: each step takes more away than the one below, every rule denies, and everything has a driver. */
import type { LadderStep } from '../model/ladder.ts'
import type { PersonaSpec } from '../model/persona.ts'
import type { PolicyRule } from '../model/policy.ts'

type Path = readonly (string | number)[]
type Add = (path: Path, why: string, cure: string, code?: string) => void

const LEVELS = ['flows', 'signatures', 'full']
const REACH = { none: 0, egress: 1, both: 2 } as const

export function checkLadder(spec: PersonaSpec, rule: (rule: PolicyRule, path: Path) => void, add: Add): void {
  const at: Path = ['spec', 'ladder']
  spec.ladder?.forEach((step, i) => {
    const path = [...at, i]
    checkStep(step, path, spec, add)
    step.rules?.forEach((one, j) => {
      rule(one, [...path, 'rules', j])
    })
    const below = spec.ladder?.[i - 1]
    if (below !== undefined) checkOrder(step, below, path, spec.ladder!.slice(0, i), add)
  })
}

function checkStep(step: LadderStep, path: Path, { profile }: PersonaSpec, add: Add): void {
  const { rules, bandwidth, inspection, deny, dlp } = step
  if ([rules, bandwidth, inspection, deny, dlp].every((one) => one === undefined))
    add(path, `step ${step.at} changes nothing`, 'add rules, bandwidth, dlp or deny, or leave the step out')
  rules?.forEach(({ action }, j) => {
    if (action !== 'deny' && action !== 'reject')
      add(
        [...path, 'rules', j, 'action'],
        `a step of a ladder only takes away, and ${action} may give`,
        'use deny or reject; what is always allowed belongs into profile.rules',
      )
  })
  if (bandwidth !== undefined && profile?.bandwidth === undefined)
    add(
      [...path, 'bandwidth'],
      'there is no bandwidth in the profile that this could be a part of',
      'add profile.bandwidth, or leave it out',
    )
}

/** A step holds all below it, so only what replaces theirs can loosen. */
function checkOrder(step: LadderStep, below: LadderStep, path: Path, lower: readonly LadderStep[], add: Add): void {
  if (step.at <= below.at)
    add([...path, 'at'], `step ${step.at} does not lie above ${below.at}`, 'write the steps in order, lowest first')
  const factor = Math.min(1, ...lower.map((one) => one.bandwidth ?? 1))
  if (step.bandwidth !== undefined && step.bandwidth > factor)
    add(
      [...path, 'bandwidth'],
      `step ${step.at} leaves more bandwidth (${step.bandwidth}) than a step below it (${factor})`,
      `write ${factor} or less: a higher step never loosens`,
    )
  const level = Math.max(-1, ...lower.map((one) => LEVELS.indexOf(one.inspection ?? '')))
  if (step.inspection !== undefined && LEVELS.indexOf(step.inspection) < level)
    add(
      [...path, 'inspection'],
      `step ${step.at} looks less closely (${step.inspection}) than a step below it (${LEVELS[level]})`,
      `write ${LEVELS.slice(level).join(' or ')}: a higher step never loosens`,
    )
  const reach = Math.max(0, ...lower.map((one) => REACH[one.deny ?? 'none']))
  if (step.deny !== undefined && REACH[step.deny] < reach)
    add(
      [...path, 'deny'],
      `step ${step.at} denies ${step.deny} only, and a step below it both directions`,
      'write both: a higher step never loosens',
    )
}
