/**
 * The `bandwidth` facet of a workload behind a link of ours. Towards it: an htb tree on our end. From it: an ifb device of
 * our own that everything arriving on our end passes, with the same tree, because nobody inside can reach it. Rates change
 * in place (`tc class replace`), so that nothing queued is lost. Priority is the band its packets have on shared links.
 */
import { createHash } from 'node:crypto'
import { type BandwidthWish, GREATEST_RATE, LEAST_RATE } from '../../model/facets/bandwidth.ts'
import { type FacetPart, faceOf } from '../facet.ts'
import { type Entry, entriesOf, undoEntries, writeEntries } from '../side-table.ts'
import { command, runStep, type Step } from '../step.ts'
import { MIRROR_PREFERENCES } from './mirror-preferences.ts'
import { changeTc, showTc } from './tc.ts'

/** Bits per second. */
type Shape = { readonly rate: number; readonly ceiling: number }
export type BandwidthState = {
  readonly down: Shape | null
  readonly up: Shape | null
  /** `major:minor` of skb->priority (tc-prio(8)). */
  readonly rank: string | null
  /** A root qdisc on our end that is not ours: it is not touched. */
  readonly foreign: string | null
  /** Somebody took the queue off our end before us, as libvirt does with its taps: it goes off again when ours goes. */
  readonly unqueued?: true
  /** Was there a clsact qdisc before us? */
  readonly clsact: boolean
}

/** Ours is known by its handle; nobody else chooses these by chance. */
const HANDLE = '6715:'
const QUEUE = '6716:'
const PREFERENCE = 6715
/** TC_PRIO_INTERACTIVE, BESTEFFORT, BULK (linux/pkt_sched.h): bands 0, 1 and 2 of pfifo_fast and prio. */
const RANKS = { high: '0:6', normal: null, low: '0:2' } as const
const ALL = 'protocol all'

export const bandwidth: FacetPart<BandwidthWish, BandwidthState> = {
  facet: 'bandwidth',
  noticed: ['shape', 'link', 'table'],
  refusal: ({ face }, { down, up }) =>
    face === null
      ? 'it has no link of its own on this host'
      : ([down, up].flatMap((shape) => (shape === undefined ? [] : badShape(shape)))[0] ?? null),
  onLink: () => true,
  capture: (place) => capture(faceOf(place)),
  // Of another link all is another's but what is ours.
  relocate: async (place, { down, up, rank }) => ({ ...(await capture(faceOf(place))), down, up, rank }),
  wanted({ key }, original, { down, up, priority }) {
    if (original.foreign !== null && down !== undefined)
      throw new Error(
        `the link of ${key} has a ${original.foreign} qdisc that is not ours; remove it, or leave bandwidth.down out`,
      )
    return {
      ...original,
      down: down ?? null,
      up: up ?? null,
      rank: priority === undefined ? null : RANKS[priority],
    }
  },
  async converge(place, wanted) {
    const face = faceOf(place)
    if (wanted.down === null && wanted.up === null && !(await isLink(face))) return forget(face)
    const found = await look(face)
    const { state } = found
    if (normalise(state) === normalise(wanted) && found.whole) return
    if (wanted.down !== null && state.unqueued === true) await changeTc(bareLines(face, true))
    if (wanted.down !== null || state.down !== null || found.tree)
      await (wanted.down === null ? changeTc(bareLines(face, found.tree)) : makeTree(face, wanted.down, found.tree))
    if (wanted.down === null && wanted.unqueued === true && state.unqueued !== true) await changeTc([unqueueLine(face)])
    if (wanted.up === null) {
      await changeTc(found.filter === 'none' ? [] : [unfilterLine(face)])
      if (found.ifb !== 'gone') await ip([`link del dev ${ifbOf(face)}`])
      if (found.clsact && !wanted.clsact && !(await hasFilters(face))) await changeTc([`qdisc del dev ${face} clsact`])
    } else {
      if (found.ifb === 'gone') await ip([`link add ${ifbOf(face)} type ifb`])
      if (found.ifb !== 'up') await ip([`link set dev ${ifbOf(face)} up`])
      await makeTree(ifbOf(face), wanted.up, found.ifbTree)
      if (found.filter === 'dead') await changeTc([unfilterLine(face)])
      if (found.filter !== 'ours')
        await changeTc([...(found.clsact ? [] : [`qdisc add dev ${face} clsact`]), filterLine(face, ifbOf(face))])
    }
    await writeEntries(['rank'], face, rankEntries(face, wanted.rank))
  },
  normalise,
  undo: (place, from, to) => undoSteps(faceOf(place), from, to),
}

function badShape({ rate, ceiling }: Shape): string[] {
  if (rate < LEAST_RATE || ceiling > GREATEST_RATE)
    return [`a rate is from ${LEAST_RATE} to ${GREATEST_RATE} bits per second`]
  return ceiling < rate ? [`the ceiling ${ceiling} is below the rate ${rate}`] : []
}

/** 15 characters at most (IFNAMSIZ), whatever the face is called. */
export function ifbOf(face: string): string {
  return `gifb-${createHash('sha256').update(face).digest('hex').slice(0, 10)}`
}

/** What tc prints of a rate, read again: four digits or more survive (tc_util.c, tc_print_rate). */
function asPrinted(rate: number): number {
  let [amount, unit] = [rate, 1]
  while (amount >= 1_000 && unit < 1e12 && (amount % 1_000 === 0 || amount >= 1_000_000)) {
    amount = Math.floor(amount / 1_000)
    unit *= 1_000
  }
  return amount * unit
}

function normalise({ down, up, rank, foreign, clsact, unqueued }: BandwidthState): string {
  // htb keeps bytes per second.
  const plain = (shape: Shape | null) =>
    shape === null ? null : [shape.rate, shape.ceiling].map((rate) => asPrinted(Math.floor(rate / 8) * 8))
  const bare = down === null && unqueued === true ? ['unqueued'] : []
  return JSON.stringify([plain(down), plain(up), rank, foreign, clsact || up !== null, ...bare])
}

type Look = {
  readonly state: BandwidthState
  /** Our tree is there on our end; on the ifb. */
  readonly tree: boolean
  readonly ifbTree: boolean
  readonly ifb: 'gone' | 'down' | 'up'
  /** `dead` = its device went away under it, and it drops what it matches. */
  readonly filter: 'none' | 'dead' | 'ours'
  readonly clsact: boolean
  /** Nothing left over, nothing half there. */
  readonly whole: boolean
}

/** What is kept by the name of a link stays behind when the link goes. */
async function forget(face: string): Promise<void> {
  if (await isLink(ifbOf(face))) await ip([`link del dev ${ifbOf(face)}`])
  await writeEntries(['rank'], face, [])
}

function isLink(device: string): Promise<boolean> {
  return command('ip', ['-o', 'link', 'show', 'dev', device]).then(
    () => true,
    () => false,
  )
}

async function capture(face: string): Promise<BandwidthState> {
  return (await look(face)).state
}

async function look(face: string): Promise<Look> {
  const ifb = ifbOf(face)
  const ours = await showTc([`qdisc show dev ${face}`, `class show dev ${face}`, `filter show dev ${face} ingress`])
  const link = await command('ip', ['-o', 'link', 'show', 'dev', ifb]).catch(() => null)
  const theirs = link === null ? '' : await showTc([`qdisc show dev ${ifb}`, `class show dev ${ifb}`])
  const root = /^qdisc (\S+) (\S+:) root /m.exec(ours)
  const unqueued = root?.[1] === 'noqueue' && root[2] !== '0:'
  if (root === null) throw new Error(`${face} has no root qdisc: ${ours.slice(0, 200)}`)
  const tree = root[2] === HANDLE
  const down = tree ? shapeIn(ours) : null
  const redirects = ours.includes(`(Egress Redirect to device ${ifb})`)
  const filter = redirects ? 'ours' : ours.includes(` pref ${PREFERENCE} `) ? 'dead' : 'none'
  const state = link === null ? 'gone' : /[<,]UP[,>]/.test(link) ? 'up' : 'down'
  const ifbTree = theirs.includes(`qdisc htb ${HANDLE} root `)
  const up = redirects && state === 'up' ? shapeIn(theirs) : null
  const clsact = /^qdisc clsact /m.test(ours)
  const entries = await entriesOf(['rank'], face)
  return {
    state: {
      down,
      up,
      rank: entries[0]?.value ?? null,
      foreign: tree || root[2] === '0:' || unqueued ? null : root[1]!,
      ...(unqueued ? { unqueued: true as const } : {}),
      clsact: clsact && filter === 'none' && !MIRROR_PREFERENCES.some((one) => ours.includes(` pref ${one} `)),
    },
    tree,
    ifbTree,
    ifb: state,
    filter,
    clsact,
    whole: tree === (down !== null) && (up === null ? filter === 'none' && link === null : clsact),
  }
}

/** null unless both classes and the queue are as we make them: whoever made them may have died in between. */
function shapeIn(text: string): Shape | null {
  const leaf = new RegExp(
    `^class htb ${HANDLE}10 parent ${HANDLE}1 leaf ${QUEUE} .*rate (\\S+) ceil (\\S+) `,
    'm',
  ).exec(text)
  const top = new RegExp(`^class htb ${HANDLE}1 root rate (\\S+) ceil (\\S+) `, 'm').exec(text)
  const queue = new RegExp(`^qdisc (\\S+) ${QUEUE} .*parent ${HANDLE}10 limit (\\S+)`, 'm').exec(text)
  if (leaf === null || top === null || queue === null) return null
  const [rate, ceiling] = [bits(leaf[1]!), bits(leaf[2]!)]
  if (bits(top[1]!) !== ceiling || bits(top[2]!) !== ceiling) return null
  return queue[1] === 'bfifo' && !isRoomFor(bytes(queue[2]!), ceiling) ? null : { rate, ceiling }
}

/** As near as tc prints them: a rate to a part in a thousand, a size to 16 bytes, or to 1,024 from a mebibyte on (tc_util.c, print_size). */
function isRoomFor(limit: number, ceiling: number): boolean {
  const grain = limit < 2 ** 20 ? 16 : 1_024
  return limit >= roomFor(ceiling) - grain && limit <= roomFor(ceiling * 1.001) + grain
}

const SIZES: Readonly<Record<string, number>> = { b: 1, Kb: 2 ** 10, Mb: 2 ** 20, Gb: 2 ** 30 }

function bytes(text: string): number {
  const [, amount, unit] = /^(\d+)(\w*b)$/.exec(text) ?? []
  return Number(amount ?? Number.NaN) * (SIZES[unit ?? ''] ?? Number.NaN)
}

const UNITS: Readonly<Record<string, number>> = { bit: 1, Kbit: 1e3, Mbit: 1e6, Gbit: 1e9, Tbit: 1e12 }

function bits(text: string): number {
  const [, amount, unit] = /^(\d+)(\w*bit)$/.exec(text) ?? []
  return Number(amount ?? Number.NaN) * (UNITS[unit ?? ''] ?? Number.NaN)
}

async function hasFilters(face: string): Promise<boolean> {
  return (await showTc([`filter show dev ${face} ingress`, `filter show dev ${face} egress`])).trim() !== ''
}

/** Add and change in one: `replace` of a class keeps what is queued; of the queue with its own handle, too. */
function treeLines(device: string, { rate, ceiling }: Shape, isThere: boolean): string[] {
  const burst = Math.max(65_536, Math.ceil(ceiling / 8 / 250))
  const classOf = (rateBits: number) => `htb rate ${rateBits}bit ceil ${ceiling}bit burst ${burst} cburst ${burst}`
  const quantum = Math.min(60_000, Math.max(1_514, Math.ceil(rate / 80)))
  return [
    ...(isThere ? [] : [`qdisc add dev ${device} root handle ${HANDLE} htb default 10`]),
    `class replace dev ${device} parent ${HANDLE} classid ${HANDLE}1 ${classOf(ceiling)}`,
    `class replace dev ${device} parent ${HANDLE}1 classid ${HANDLE}10 ${classOf(rate)} quantum ${quantum}`,
  ]
}

/** Bytes: a tenth of a second, and room for some segments as the kernel offloads them (64 KiB): with two, TCP loses a fifth. */
const roomFor = (ceiling: number): number => Math.max(262_144, Math.ceil(ceiling / 80))

/** fq_codel keeps answers short behind a full link; where the kernel has none, in order of arrival. */
function queueLine(device: string, { ceiling }: Shape, kind: 'fq_codel' | 'bfifo'): string {
  const limit = kind === 'bfifo' ? ` limit ${roomFor(ceiling)}` : ''
  return `qdisc replace dev ${device} parent ${HANDLE}10 handle ${QUEUE} ${kind}${limit}`
}

let hasCodel = true

async function makeTree(device: string, shape: Shape, isThere: boolean): Promise<void> {
  await changeTc(treeLines(device, shape, isThere))
  if (hasCodel)
    try {
      return await changeTc([queueLine(device, shape, 'fq_codel')])
    } catch (error) {
      // The second is what a process hears that did not make the tree which is there.
      if (!/kind is unknown|must match existing qdisc/.test((error as Error).message)) throw error
      hasCodel = false
    }
  await changeTc([queueLine(device, shape, 'bfifo')])
}

/** The queue that is there already refuses to become another kind, so that the second line does nothing where the first one did. */
function wholeTree(device: string, shape: Shape): string[] {
  const queues = (['fq_codel', 'bfifo'] as const).map((kind) => queueLine(device, shape, kind))
  return [...treeLines(device, shape, false), ...queues]
}

function bareLines(device: string, isThere: boolean): string[] {
  return isThere ? [`qdisc del dev ${device} root`] : []
}

function unqueueLine(device: string): string {
  return `qdisc add dev ${device} root noqueue`
}

function unfilterLine(face: string): string {
  return `filter del dev ${face} ingress pref ${PREFERENCE}`
}

function filterLine(face: string, ifb: string): string {
  return `filter add dev ${face} ingress ${ALL} pref ${PREFERENCE} u32 match u32 0 0 action mirred egress redirect dev ${ifb}`
}

function rankEntries(face: string, rank: string | null): Entry[] {
  return rank === null ? [] : [{ map: 'rank', key: face, value: rank, owner: face }]
}

async function ip(lines: readonly string[]): Promise<void> {
  await runStep({ run: 'ip', namespace: null, lines })
}

function undoSteps(face: string, from: BandwidthState, to: BandwidthState): Step[] {
  const ifb = ifbOf(face)
  const unfilter = unfilterLine(face)
  const steps: Step[] = []
  const lenient = (run: 'tc' | 'ip', ...lines: string[]) =>
    void steps.push(run === 'tc' ? { run, lines, lenient: true } : { run, namespace: null, lines, lenient: true })
  if (from.down !== null)
    lenient('tc', ...bareLines(face, to.down === null && to.unqueued === true), ...wholeTree(face, from.down))
  else if (to.down !== null)
    lenient('tc', ...bareLines(face, true), ...(from.unqueued === true ? [unqueueLine(face)] : []))
  if (from.up !== null) {
    lenient('ip', `link add ${ifb} type ifb`, `link set dev ${ifb} up`)
    lenient('tc', ...wholeTree(ifb, from.up), `qdisc add dev ${face} clsact`)
    lenient('tc', unfilter, filterLine(face, ifb))
  } else if (to.up !== null) {
    lenient('tc', unfilter)
    lenient('ip', `link del dev ${ifb}`)
  }
  return [...steps, ...undoEntries(rankEntries(face, from.rank), rankEntries(face, to.rank))]
}
