/**
 * The `inspection` facet: a copy of what passes a workload's link goes to the sensor that this host names in its floor file,
 * never to one that a server names. tc mirrors it (tc-mirred(8)) before anything else is done to it; nothing waits for the
 * sensor, and a sensor that is gone loses the copy only. What `full` adds is no state of the kernel's: the agent counts while it
 * is in force.
 */
import { parseCidr } from '../../model/address.ts'
import type { InspectionWish } from '../../model/facets/inspection.ts'
import { type FacetPart, faceOf } from '../facet.ts'
import { findFloor } from '../floor-file.ts'
import { secretsHome } from '../secret-files.ts'
import type { Step } from '../step.ts'
import { bareLines, lengthOf, type Mirror, mirrorIn, mirrorLines, mirrorOf, WAYS } from './mirror-filters.ts'
import { MIRROR_PREFERENCES } from './mirror-preferences.ts'
import { MOST_INSTRUCTIONS } from './mirror-program.ts'
import { changeTc, showTc } from './tc.ts'

export type InspectionState = {
  readonly mirror: Mirror | null
  /** Was there a clsact qdisc before us? */
  readonly clsact: boolean
  /** Of what was captured: filters of ours that no release of today writes. */
  readonly odd: string | null
}

export const inspection: FacetPart<InspectionWish, InspectionState> = {
  facet: 'inspection',
  noticed: ['shape', 'link'],
  refusal({ face }, wish) {
    if (face === null) return 'it has no link of its own on this host'
    const { sensor } = findFloor(secretsHome()).floor
    if (isNothing(wish)) return null
    const fault = badMirrored(wish)
    if (fault !== null) return fault
    if (sensor === null) return 'this host names no sensor; its administrator can add sensor to floor.yaml'
    return sensor === face ? `its own link ${face} is the sensor` : null
  },
  onLink: () => true,
  capture: (place) => look(faceOf(place)),
  wanted(_, original, wish) {
    if (isNothing(wish)) return { ...original, mirror: null, odd: null }
    const { sensor } = findFloor(secretsHome()).floor
    if (sensor === null) throw new Error('this host names no sensor')
    return { ...original, mirror: mirrorOf(wish, sensor), odd: null }
  },
  async converge(place, wanted) {
    const face = faceOf(place)
    const { state, clsact, kept } = await lookClosely(face)
    if (normalise(state) === normalise(wanted)) return
    await changeTc(state.mirror === null && state.odd === null ? [] : bareLines(face), 'lenient')
    if (wanted.mirror !== null)
      await changeTc([...(clsact ? [] : [`qdisc add dev ${face} clsact`]), ...mirrorLines(face, wanted.mirror)])
    else if (clsact && !wanted.clsact && !kept) await changeTc([`qdisc del dev ${face} clsact`])
  },
  normalise,
  complete: async (_, state) => ({ ...state, mirror: completeMirror(state.mirror) }),
  undo(place, from): Step[] {
    const face = faceOf(place)
    const lines = [
      ...bareLines(face),
      ...(from.mirror === null ? [] : [`qdisc add dev ${face} clsact`, ...mirrorLines(face, from.mirror)]),
    ]
    return [{ run: 'tc', lines, lenient: true }]
  },
}

function normalise({ mirror, odd }: InspectionState): string {
  return JSON.stringify([
    mirror?.sensor ?? null,
    odd,
    mirror?.programs.ingress ?? null,
    mirror?.programs.egress ?? null,
  ])
}

/** Releases before 2026-11-23 kept the level, and a program for what rules mirror beside it. */
function completeMirror(kept: Mirror | (Partial<Mirror> & { level: string; sensor: string }) | null): Mirror | null {
  if (kept === null || !('level' in kept)) return kept as Mirror | null
  const { level, sensor, programs } = kept
  if (level === 'none') return programs === undefined ? null : { sensor, programs }
  return mirrorOf({ level: level as InspectionWish['level'] }, sensor)
}

const isNothing = ({ level, mirrored = [] }: InspectionWish) => level === 'none' && mirrored.length === 0

function badMirrored(wish: InspectionWish): string | null {
  for (const { rule, match } of wish.mirrored ?? []) {
    if (match.peer.kind === 'set')
      return `what ${rule} mirrors is of a set, and packets are picked by their addresses alone`
    if (match.peer.kind === 'any') continue
    const wrong = [match.peer.cidr, ...(match.peer.except ?? [])].find((text) => parseCidr(text) === null)
    if (wrong !== undefined) return `${wrong} is no network`
  }
  const mirror = mirrorOf(wish, '')
  const length = mirror === null ? 0 : lengthOf(mirror)
  return length > MOST_INSTRUCTIONS
    ? `what it mirrors takes ${length} instructions of the kernel's packet filter, and ${MOST_INSTRUCTIONS} are the most: name fewer networks and exceptions`
    : null
}

async function look(face: string): Promise<InspectionState> {
  return (await lookClosely(face)).state
}

/** `kept` = somebody else's filters hang there, too: the qdisc is not ours to remove. */
async function lookClosely(face: string): Promise<{ state: InspectionState; clsact: boolean; kept: boolean }> {
  const qdiscs = await showTc([`qdisc show dev ${face}`])
  const clsact = /^qdisc clsact /m.test(qdiscs)
  const texts = clsact ? await Promise.all(WAYS.map((way) => showTc([`filter show dev ${face} ${way}`]))) : ['', '']
  const [ingress, egress] = WAYS.map((way, i) => mirrorIn(texts[i]!, way))
  const kept = texts.some((text) => [...text.matchAll(/^filter .* pref (\d+) /gm)].some(([, pref]) => !isOurs(pref!)))
  const sensor = sensorOf(ingress ?? null, egress ?? null)
  const programOf = (found: Found | undefined) => (found == null || found === 'odd' ? null : found.program)
  const programs = { ingress: programOf(ingress), egress: programOf(egress) }
  const mirror = sensor === null || sensor === 'odd' ? null : { sensor, programs }
  const isBare = texts.join('').trim() === ''
  return {
    state: { mirror, clsact: clsact && isBare, odd: sensor === 'odd' ? JSON.stringify([ingress, egress]) : null },
    clsact,
    kept,
  }
}

const isOurs = (preference: string) => MIRROR_PREFERENCES.some((one) => String(one) === preference)

type Found = ReturnType<typeof mirrorIn>

/** One of them both; what is copied may be of one way alone. */
function sensorOf(sent: Found, got: Found): string | null | 'odd' {
  if (sent === 'odd' || got === 'odd') return 'odd'
  if (sent !== null && got !== null && sent.sensor !== got.sensor) return 'odd'
  return (sent ?? got)?.sensor ?? null
}
