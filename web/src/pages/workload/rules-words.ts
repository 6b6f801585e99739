/** Rules and conversations in words. */
import { t } from 'i18next'
import type { ConversationRow, FlowAnswer } from '../../api/queries.ts'
import type { DesiredState, ResolvedRule, RuleList } from '../../nouns.ts'

export type RuleRow = {
  readonly id: string
  readonly direction: 'egress' | 'ingress'
  readonly rule: ResolvedRule | null
  readonly list: RuleList
}

/** Every rule in the order the kernel asks them, then what happens to the rest. */
export function listRules(state: DesiredState): RuleRow[] {
  const of = (direction: 'egress' | 'ingress'): RuleRow[] => [
    ...state[direction].rules.map((rule, i) => ({
      id: `${direction}/${i}`,
      direction,
      rule,
      list: state[direction],
    })),
    { id: `${direction}/rest`, direction, rule: null, list: state[direction] },
  ]
  return [...of('egress'), ...of('ingress')]
}

export type RuleGroup = { readonly row: RuleRow; readonly services: readonly string[] }

/** One line per sentence of the persona or policy: rules that differ in their service only stand together. */
export function groupRules(rows: readonly RuleRow[]): RuleGroup[] {
  const groups: { row: RuleRow; services: string[] }[] = []
  for (const row of rows) {
    const last = groups.at(-1)
    const service = row.rule === null ? t('rule.anyService') : serviceWords(row.rule)
    if (last !== undefined && sameButService(last.row, row)) last.services.push(service)
    else groups.push({ row, services: [service] })
  }
  return groups
}

function sameButService(a: RuleRow, b: RuleRow): boolean {
  if (a.rule === null || b.rule === null || a.direction !== b.direction) return false
  return (
    a.rule.verdict === b.rule.verdict &&
    a.rule.why.rule === b.rule.why.rule &&
    a.rule.why.text === b.rule.why.text &&
    peerWords(a.rule) === peerWords(b.rule)
  )
}

export function peerWords(rule: ResolvedRule): string {
  const { peer } = rule.match
  if (peer.kind === 'any') return t('rule.anyone')
  if (peer.kind === 'set') return t(peer.not === true ? 'rule.outsideSet' : 'rule.set', { set: peer.set })
  return peer.except === undefined || peer.except.length === 0
    ? peer.cidr
    : t('rule.except', { cidr: peer.cidr, count: peer.except.length })
}

export function serviceWords(rule: ResolvedRule): string {
  const { service } = rule.match
  if (service === null) return t('rule.anyService')
  if ('type' in service) {
    const name = service.protocol === 'icmp' ? 'ICMP' : 'ICMPv6'
    return service.type === null ? name : `${name} ${service.type}`
  }
  if (!('from' in service)) return t('rule.all', { protocol: service.protocol.replace('-any', '') })
  const range = service.from === service.to ? service.from : `${service.from}–${service.to}`
  return `${range} ${service.protocol}`
}

/** Stable name of a conversation in the address: `?why=flow:10.0.0.1:443:6:initiated`. */
export function flowKey(row: ConversationRow): string {
  return `flow:${row.peer}:${row.port}:${row.proto}:${row.direction}`
}

const NUMBERS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17 }
/** The answer to `why A to B` as a conversation: the one it had, or one that did not take place. */
export function answeredFlow(answer: FlowAnswer, workload: string, rows: readonly ConversationRow[]): ConversationRow {
  const { to, port, protocol } = answer.flow
  const [had] = rows
    .filter((row) => row.peer === to && row.port === port && row.direction === 'initiated')
    .sort((a, b) => b.flows - a.flows)
  const blocking = answer.egress.verdict === 'allow' && answer.ingress.verdict !== 'allow' ? 'ingress' : 'egress'
  const none = { start: 0, last: 0, flows: 0, failed: 0, bytesOut: 0, bytesIn: 0, service: null }
  const proto = NUMBERS[protocol] ?? 6
  return {
    ...(had ?? {
      ...none,
      workload: workload as ConversationRow['workload'],
      peer: to,
      port,
      proto,
      direction: 'initiated',
    }),
    verdict: answer.verdict,
    why: answer[blocking].why,
  }
}
