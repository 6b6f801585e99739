/**
 * The filters of tc that copy a link's packets: for a level u32 (tc-u32(8)), for rules that mirror one program each way
 * (`mirror-program.ts`), written and read back. They all go on to the next filter, which is bandwidth's.
 */
import type { InspectionWish } from '../../model/facets/inspection.ts'
import { MIRRORED } from './mirror-preferences.ts'
import { mirrorProgram } from './mirror-program.ts'

export const WAYS = ['ingress', 'egress'] as const
/** Of our end of the link: what comes in was sent by the workload. */
export type Way = (typeof WAYS)[number]
export type Programs = Readonly<Record<Way, string | null>>
export type Mirror = {
  readonly level: 'none' | 'flows' | 'signatures'
  readonly sensor: string
  /** Of rules, in tc's words; not there = none, as in journals of earlier releases. */
  readonly programs?: Programs
}

/** TCP flags FIN, SYN, RST (RFC 9293, 3.1). */
const FLAGS = ['0x01', '0x02', '0x04']
const DNS = 53
/** u32 cannot skip what a header may hold beyond its usual length; so IPv4 with options is copied whole, whatever it carries. */
const V4_BYTES = 20
const V6_BYTES = 40
const PLAIN = 'match u8 0x05 0x0f at 0'
const OPTIONS = ['match u8 0x06 0x0e at 0', 'match u8 0x08 0x08 at 0']

/** Where every packet is copied, rules have nothing to add. null = there is nothing to copy at all. */
export function mirrorOf({ level: asked, mirrored = [] }: InspectionWish, sensor: string): Mirror | null {
  const level = asked === 'full' ? 'signatures' : asked
  const rules = level === 'signatures' ? [] : mirrored
  const program = (way: 'sent' | 'got') => mirrorProgram(rules, way, level === 'flows')
  const programs = { ingress: program('sent'), egress: program('got') }
  const isNothing = level === 'none' && programs.ingress === null && programs.egress === null
  return isNothing ? null : { level, sensor, programs }
}

/** Instructions of its longer program. */
export function lengthOf({ programs }: Mirror): number {
  return Math.max(0, ...Object.values(programs ?? {}).map((program) => Number(program?.split(',', 1)[0] ?? 0)))
}

/** By the filters of ours, in one direction: `program` beside the level. */
export function mirrorIn(
  text: string,
  way: Way,
): { readonly level: Mirror['level']; readonly sensor: string; readonly program: string | null } | null | 'odd' {
  const [v4, v6, all, rules] = MIRRORED[way]
  const counts = new Map<number, number>()
  const sensors = new Set<string>()
  let program: string | null = null
  let preference = 0
  for (const line of text.split('\n')) {
    const head = /^filter .* pref (\d+) (?:u32 .* fh \S+::|bpf .* bytecode '([^']*)')/.exec(line)
    if (line.startsWith('filter ')) preference = Number(head?.[1] ?? 0)
    if (preference === rules && head?.[2] !== undefined) program = head[2]
    const action = /mirred \(Egress Mirror to device (\S+)\) continue/.exec(line)
    if (action === null || !MIRRORED[way].some((one) => one === preference)) continue
    counts.set(preference, (counts.get(preference) ?? 0) + 1)
    sensors.add(action[1]!)
  }
  if (counts.size === 0) return MIRRORED[way].some((one) => text.includes(` pref ${one} `)) ? 'odd' : null
  const [sensor] = sensors
  if (sensors.size !== 1 || sensor === undefined || (counts.get(rules) ?? 0) !== (program === null ? 0 : 1))
    return 'odd'
  counts.delete(rules)
  if (counts.size === 0) return { level: 'none', sensor, program }
  if (counts.size === 1 && counts.get(all) === 1) return { level: 'signatures', sensor, program }
  return counts.size === 2 && counts.get(v4) === FLOWS_V4 && counts.get(v6) === FLOWS_V6
    ? { level: 'flows', sensor, program }
    : 'odd'
}

export function mirrorLines(face: string, { level, sensor, programs }: Mirror): string[] {
  // `continue`: bandwidth's own filter comes after.
  const action = `action mirred egress mirror dev ${sensor} continue`
  return WAYS.flatMap((way) => {
    const add = (nth: 0 | 1 | 2 | 3, protocol: string, filter: string) =>
      `filter add dev ${face} ${way} protocol ${protocol} pref ${MIRRORED[way][nth]} ${filter} ${action}`
    const program = programs?.[way] ?? null
    return [
      ...matches(level).map(([nth, protocol, match]) => add(nth, protocol, `u32 ${match}`)),
      ...(program === null ? [] : [add(3, 'all', `bpf bytecode "${program}"`)]),
    ]
  })
}

type Match = readonly [nth: 0 | 1 | 2, protocol: string, match: string]

function matches(level: Mirror['level']): Match[] {
  if (level === 'none') return []
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

export function bareLines(face: string): string[] {
  return WAYS.flatMap((way) => MIRRORED[way].map((one) => `filter del dev ${face} ${way} pref ${one}`))
}
