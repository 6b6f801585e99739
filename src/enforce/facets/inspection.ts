/**
 * The `inspection` facet: a copy of what passes a workload's link goes to the sensor that this host names in its floor file,
 * never to one that a server names. tc mirrors it (tc-mirred(8)) before anything else is done to it; nothing waits for the
 * sensor, and a sensor that is gone loses the copy only. What `full` adds is no state of the kernel's: the agent counts while it
 * is in force.
 */
import type { InspectionWish } from '../../model/facets/inspection.ts'
import { type FacetPart, faceOf } from '../facet.ts'
import { findFloor } from '../floor-file.ts'
import { secretsHome } from '../secret-files.ts'
import type { Step } from '../step.ts'
import { MIRROR_PREFERENCES, MIRRORED } from './mirror-preferences.ts'
import { changeTc, showTc } from './tc.ts'

type Mirror = { readonly level: 'flows' | 'signatures'; readonly sensor: string }
export type InspectionState = {
  readonly mirror: Mirror | null
  /** Was there a clsact qdisc before us? */
  readonly clsact: boolean
  /** Of what was captured: filters of ours that are none of the two levels. */
  readonly odd: string | null
}

const WAYS = ['ingress', 'egress'] as const
type Way = (typeof WAYS)[number]
/** TCP flags FIN, SYN, RST (RFC 9293, 3.1). */
const FLAGS = ['0x01', '0x02', '0x04']
const DNS = 53
/** u32 cannot skip what a header may hold beyond its usual length; so IPv4 with options is copied whole, whatever it carries. */
const V4_BYTES = 20
const V6_BYTES = 40
const PLAIN = 'match u8 0x05 0x0f at 0'
const OPTIONS = ['match u8 0x06 0x0e at 0', 'match u8 0x08 0x08 at 0']

export const inspection: FacetPart<InspectionWish, InspectionState> = {
  facet: 'inspection',
  noticed: ['shape', 'link'],
  refusal({ face }, { level }) {
    if (face === null) return 'it has no link of its own on this host'
    const { sensor } = findFloor(secretsHome()).floor
    if (level === 'none') return null
    if (sensor === null) return 'this host names no sensor; its administrator can add sensor to floor.yaml'
    return sensor === face ? `its own link ${face} is the sensor` : null
  },
  onLink: () => true,
  capture: (place) => look(faceOf(place)),
  wanted(_, original, { level }) {
    if (level === 'none') return { ...original, mirror: null, odd: null }
    const { sensor } = findFloor(secretsHome()).floor
    if (sensor === null) throw new Error('this host names no sensor')
    return { ...original, mirror: { level: level === 'full' ? 'signatures' : level, sensor }, odd: null }
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
  return JSON.stringify([mirror?.level ?? 'none', mirror?.sensor ?? null, odd])
}

async function look(face: string): Promise<InspectionState> {
  return (await lookClosely(face)).state
}

/** `kept` = somebody else's filters hang there, too: the qdisc is not ours to remove. */
async function lookClosely(face: string): Promise<{ state: InspectionState; clsact: boolean; kept: boolean }> {
  const qdiscs = await showTc([`qdisc show dev ${face}`])
  const clsact = /^qdisc clsact /m.test(qdiscs)
  const texts = clsact ? await Promise.all(WAYS.map((way) => showTc([`filter show dev ${face} ${way}`]))) : ['', '']
  const found = WAYS.map((way, i) => mirrorIn(texts[i]!, way))
  const [one, other] = [JSON.stringify(found[0]), JSON.stringify(found[1])]
  const isOdd = one !== other || found[0] === 'odd'
  const kept = texts.some((text) => [...text.matchAll(/^filter .* pref (\d+) /gm)].some(([, pref]) => !isOurs(pref!)))
  const mirror = isOdd ? null : (found[0] as Mirror | null)
  const isBare = texts.join('').trim() === ''
  return {
    state: { mirror, clsact: clsact && isBare, odd: isOdd ? `${one} ${other}` : null },
    clsact,
    kept,
  }
}

const isOurs = (preference: string) => MIRROR_PREFERENCES.some((one) => String(one) === preference)

/** By the filters of ours, in one direction. */
function mirrorIn(text: string, way: Way): Mirror | null | 'odd' {
  const [v4, v6, all] = MIRRORED[way]
  const counts = new Map<number, number>()
  const sensors = new Set<string>()
  let preference = 0
  for (const line of text.split('\n')) {
    const head = /^filter .* pref (\d+) u32 .* fh \S+::/.exec(line)
    if (line.startsWith('filter ')) preference = Number(head?.[1] ?? 0)
    const action = /mirred \(Egress Mirror to device (\S+)\) continue/.exec(line)
    if (action === null || !MIRRORED[way].some((one) => one === preference)) continue
    counts.set(preference, (counts.get(preference) ?? 0) + 1)
    sensors.add(action[1]!)
  }
  if (counts.size === 0) return MIRRORED[way].some((one) => text.includes(` pref ${one} `)) ? 'odd' : null
  const [sensor] = sensors
  if (sensors.size !== 1 || sensor === undefined) return 'odd'
  if (counts.size === 1 && counts.get(all) === 1) return { level: 'signatures', sensor }
  return counts.size === 2 && counts.get(v4) === FLOWS_V4 && counts.get(v6) === FLOWS_V6
    ? { level: 'flows', sensor }
    : 'odd'
}

function mirrorLines(face: string, { level, sensor }: Mirror): string[] {
  // `continue`: bandwidth's own filter comes after.
  const action = `action mirred egress mirror dev ${sensor} continue`
  return WAYS.flatMap((way) =>
    matches(level).map(
      ([nth, protocol, match]) =>
        `filter add dev ${face} ${way} protocol ${protocol} pref ${MIRRORED[way][nth]} u32 ${match} ${action}`,
    ),
  )
}

type Match = readonly [nth: 0 | 1 | 2, protocol: string, match: string]

function matches(level: Mirror['level']): Match[] {
  if (level === 'signatures') return [[2, 'all', 'match u32 0 0']]
  const v4 = (protocol: number, more = ''): Match => [0, 'ip', `${PLAIN} match ip protocol ${protocol} 0xff${more}`]
  const v6 = (protocol: number, more = ''): Match => [1, 'ipv6', `match ip6 protocol ${protocol} 0xff${more}`]
  const flags = (from: (offset: number) => string) => FLAGS.map((flag) => ` match u8 ${flag} ${flag} at ${from(13)}`)
  const names = (from: (offset: number) => string) => [0, 2].map((at) => ` match u16 ${DNS} 0xffff at ${from(at)}`)
  const [after4, after6] = [
    (offset: number) => String(V4_BYTES + offset),
    (offset: number) => String(V6_BYTES + offset),
  ]
  return [
    ...flags(after4).map((more) => v4(6, more)),
    ...names(after4).map((more) => v4(17, more)),
    v4(1),
    ...OPTIONS.map((match): Match => [0, 'ip', match]),
    ...flags(after6).map((more) => v6(6, more)),
    ...names(after6).map((more) => v6(17, more)),
    v6(58),
  ]
}

const [FLOWS_V4, FLOWS_V6] = [0, 1].map((nth) => matches('flows').filter(([of]) => of === nth).length)

function bareLines(face: string): string[] {
  return WAYS.flatMap((way) => MIRRORED[way].map((one) => `filter del dev ${face} ${way} pref ${one}`))
}
