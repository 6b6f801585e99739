/** The filter of tc that copies a link's packets, one each way: written, and read back. It goes on to the next filter, which is bandwidth's. */
import type { InspectionWish } from '../../model/facets/inspection.ts'
import { MIRROR_PREFERENCES, MIRRORED } from './mirror-preferences.ts'
import { mirrorProgram } from './mirror-program.ts'

/** Of our end of the link: what comes in was sent by the workload. */
export const WAYS = ['ingress', 'egress'] as const
export type Way = (typeof WAYS)[number]
/** `programs` in tc's words; null = nothing is copied that way. */
export type Mirror = { readonly sensor: string; readonly programs: Readonly<Record<Way, string | null>> }

/** null = there is nothing to copy at all. */
export function mirrorOf(wish: InspectionWish, sensor: string): Mirror | null {
  const programs = { ingress: mirrorProgram(wish, 'sent'), egress: mirrorProgram(wish, 'got') }
  return programs.ingress === null && programs.egress === null ? null : { sensor, programs }
}

/** Instructions of its longer program. */
export function lengthOf({ programs }: Mirror): number {
  return Math.max(...Object.values(programs).map((program) => Number(program?.split(',', 1)[0] ?? 0)))
}

/** By the filters of ours, in one direction, as `tc filter show` tells them. */
export function mirrorIn(text: string, way: Way): { readonly sensor: string; readonly program: string } | null | 'odd' {
  const ours = text
    .split(/^(?=filter )/m)
    .filter((one) => MIRROR_PREFERENCES.some((pref) => one.includes(` pref ${pref} `)))
  if (ours.length === 0) return null
  const program = /^filter .* pref (\d+) bpf .* bytecode '([^']*)'/m.exec(ours.join(''))
  const actions = [...ours.join('').matchAll(/mirred \(Egress Mirror to device (\S+)\) continue/g)]
  const [action] = actions
  const isOdd = Number(program?.[1]) !== MIRRORED[way] || actions.length !== 1 || action === undefined
  return isOdd ? 'odd' : { sensor: action[1]!, program: program![2]! }
}

export function mirrorLines(face: string, { sensor, programs }: Mirror): string[] {
  return WAYS.flatMap((way) => {
    const program = programs[way]
    if (program === null) return []
    const filter = `filter add dev ${face} ${way} protocol all pref ${MIRRORED[way]} bpf bytecode "${program}"`
    return [`${filter} action mirred egress mirror dev ${sensor} continue`]
  })
}

export function bareLines(face: string): string[] {
  return WAYS.flatMap((way) => MIRROR_PREFERENCES.map((one) => `filter del dev ${face} ${way} pref ${one}`))
}
