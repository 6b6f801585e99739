/** Lines of a trace become packets with their steps and reasons, and packets become what a person reads. */

import type { TracedFlow, TraceLine } from '../compile/trace.ts'
import { canonicalText } from '../model/address.ts'

export type TraceStep = {
  readonly table: string
  readonly chain: string
  /** The rule's id when it is ours, else its text. */
  readonly rule: string
  readonly verdict: string
  readonly why: string | null
}
export type TracedPacket = {
  readonly id: string
  /** epoch ms when its first line was read */
  readonly at: number
  readonly enters: string | null
  readonly leaves: string | null
  readonly source: string
  readonly target: string
  readonly what: string
  readonly steps: TraceStep[]
  /** What became of it as far as this namespace is concerned. */
  outcome: 'passed' | 'dropped'
}
export type Ends = {
  readonly flow: TracedFlow
  readonly why: (id: string, chain: string, packet: Pick<TracedPacket, 'enters' | 'leaves'>) => string | null
  /** Encoded id, as comments carry it → the id itself. */
  readonly ids: ReadonlyMap<string, string>
}

const OURS = 'inet guise'
/** Rules of the table that never change (compile/base.ts), and the ends of its chains. */
const BASE: Readonly<Record<string, string>> = {
  'guise/spoofed': 'The source address is not one of this workload.',
  'guise/untracked': 'Conntrack knows no flow that this packet belongs to.',
  'guise/unbound': 'An interface of ours that no generation has an entry for: closed.',
  'guise/related-icmp': 'An ICMP error about a known flow, which both ends need (RFC 4890 §4.3).',
}

export function addLine(found: Map<string, TracedPacket>, line: TraceLine, ends: Ends, now: number): void {
  if (line.kind === 'packet') {
    if (!isOf(ends.flow, line)) return
    const known = found.get(line.id)
    if (known === undefined) {
      const { id, enters, leaves, source, target, what } = line
      found.set(id, { id, at: now, enters, leaves, source, target, what, steps: [], outcome: 'passed' })
    } else if (known.leaves === null && line.leaves !== null) found.set(line.id, { ...known, leaves: line.leaves })
    return
  }
  const packet = found.get(line.id)
  if (packet === undefined) return
  if (line.kind === 'policy') {
    if (line.verdict === 'drop') {
      packet.outcome = 'dropped'
      packet.steps.push({ ...at(line), rule: 'policy', verdict: 'drop', why: foreign(line.table) })
    }
    return
  }
  const id = line.comment === null ? null : (ends.ids.get(line.comment) ?? line.comment)
  const isFinal = /^(accept|drop|reject)$/.test(line.verdict)
  if (line.verdict === 'drop' || line.verdict === 'reject') packet.outcome = 'dropped'
  if (line.table !== OURS) {
    if (isFinal) packet.steps.push({ ...at(line), rule: line.rule, verdict: line.verdict, why: foreign(line.table) })
    return
  }
  if (id === null && !isFinal) return
  // A deny is two rules, the match and the chain that logs and drops: one step, where it matched.
  const last = packet.steps.at(-1)
  if (id !== null && last?.rule === id && last.table === OURS && last.verdict.startsWith('goto')) {
    packet.steps[packet.steps.length - 1] = { ...last, verdict: line.verdict }
    return
  }
  const why = id === null ? unnamed(line.chain) : (ends.why(id, line.chain, packet) ?? BASE[id] ?? null)
  packet.steps.push({ ...at(line), rule: id ?? line.rule, verdict: line.verdict, why })
}

/** Another trace may run beside ours: the kernel tells everybody of every marked packet. */
function isOf({ from, to, protocol, port }: TracedFlow, line: Extract<TraceLine, { kind: 'packet' }>): boolean {
  const [source, target] = line.ends.map(canonicalText)
  const told = /^(?:tcp|udp|icmp)/.exec(line.what)?.[0]
  if (told !== undefined && told !== protocol) return false
  const isFor = (place: string) => port === null || place.endsWith(`:${port}`)
  if (source === canonicalText(from) && target === canonicalText(to)) return isFor(line.target)
  return source === canonicalText(to) && target === canonicalText(from) && isFor(line.source)
}

const at = (line: TraceLine) => ({ table: line.table, chain: line.chain })
const foreign = (table: string) => `Table ${table} is not ours: nothing of Guise can lift what it drops.`

function unnamed(chain: string): string | null {
  if (chain.startsWith('forward_')) return 'Neither end is a workload of ours: it falls through untouched.'
  if (chain === 'link') return 'Neighbour discovery and address assignment always pass.'
  if (chain.startsWith('host_')) return 'Not for the host itself, or on its loopback: it falls through untouched.'
  return null
}

export function traceText(flow: TracedFlow, packets: readonly TracedPacket[], seconds: number): string {
  if (packets.length === 0) {
    const to = flow.port === null ? flow.to : `${flow.to} port ${flow.port}`
    return [
      `No packet from ${flow.from} to ${to} (${flow.protocol}) came through this namespace in ${seconds} s.`,
      'Nobody sent one, or it was lost before it got here. Start the connection while this runs, and look at --netns.',
    ].join('\n')
  }
  return packets.map(packetText).join('\n\n')
}

function packetText(packet: TracedPacket): string {
  const way = [
    packet.enters === null ? '' : `in ${packet.enters}`,
    packet.leaves === null ? '' : `out ${packet.leaves}`,
  ]
    .filter((part) => part !== '')
    .join(', ')
  const head = `${new Date(packet.at).toISOString().slice(11, 23)}  ${packet.source} → ${packet.target}  ${packet.what}${way === '' ? '' : `  (${way})`}`
  const steps = packet.steps.map(
    (step) =>
      `  ${step.verdict.split(' ')[0]!.padEnd(7)} ${step.rule}${step.why === null ? '' : `: ${step.why}`}  [${step.table === OURS ? '' : `${step.table} `}${step.chain}]`,
  )
  return [head, ...steps, `  = ${packet.outcome}`].join('\n')
}
