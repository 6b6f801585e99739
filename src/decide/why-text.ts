/** A `WhyReport` as plain text: what `guise why` prints. */
import { holdText } from '../model/containment.ts'
import { Proto } from '../model/flow.ts'
import { plainText } from '../model/plain-text.ts'
import type { WhyReport } from './why.ts'

export function whyText(report: WhyReport): string {
  const lines = [report.sentence, '']
  const { persona, risk, containment, merged, ladder, plan } = report
  lines.push(
    `Persona   wears ${persona.worn}; ${persona.assigned === null ? 'nobody assigned one' : `assigned ${persona.assigned}`}; ${persona.believed === null ? 'the belief abstains' : `believed ${persona.believed} (p ${persona.p.toFixed(2)})`}`,
  )
  if (merged != null) lines.push(...mergedLines(merged))
  if (risk !== null) {
    lines.push(`Risk      ${risk.written}`)
    for (const term of risk.terms)
      lines.push(
        `  ${term.logOdds.toFixed(2).padStart(6)}  ${term.kind}${term.peer === null ? '' : ` ${plainText(term.peer, 64)}`}: ${plainText(term.text, 300)} (blamed: ${plainText(term.blamed, 64)}; weight ${term.weight.toFixed(2)} × ${term.decayed.toFixed(2)} left${term.authenticated ? '' : '; could be forged, so it never blocks alone'})`,
      )
  }
  if (containment !== null)
    lines.push(
      `Contained ${containment.limit === undefined ? containment.directions : holdText(containment)}, by ${containment.why.rule}, ends ${new Date(containment.until).toISOString()}`,
    )
  if (ladder != null) lines.push(`Ladder    ${ladder.why.text}, ends ${new Date(ladder.until).toISOString()}`)
  if (plan !== null) {
    lines.push(`Plan      ${plan.id}, generation ${plan.generation}, ${plan.direction}, ${plan.state}`)
    for (const why of plan.why) lines.push(`          ${why.text}`)
  }
  if (report.flows.length > 0) {
    lines.push('Flows')
    for (const flow of report.flows)
      lines.push(
        `          ${plainText(flow.peer, 64)}:${flow.port}  ${flow.flows} flows, ${flow.bytesOut} B out, ${flow.bytesIn} B in`,
      )
  }
  if (report.rules.length > 0) {
    lines.push(containment === null ? 'Rules' : 'Rules     behind the containment, which goes first')
    // One rule of a manifest may be several of the plan.
    lines.push(...new Set(report.rules.map(ruleLine)))
  }
  if (report.counterfactual !== null) lines.push('', report.counterfactual.text)
  return `${lines.join('\n')}\n`
}

const WORDS = { assigned: '', inferred: ', believed', trusted: ', believed and trusted' } as const

function mergedLines({ strategy, of, numbers = [] }: NonNullable<WhyReport['merged']>): string[] {
  const said = (one: (typeof numbers)[number]) =>
    one.from.map(({ persona, p, value }) => `${plainText(persona, 64)} (p ${p.toFixed(2)}) says ${value}`).join(', ')
  return [
    `Overlap   by ${strategy}: ${of.map((one) => `${plainText(one.name, 64)} (p ${one.p.toFixed(2)}${WORDS[one.word]})`).join(', ')}`,
    ...numbers.map((one) => `          ${one.what} ${one.value}: ${said(one)}`),
  ]
}

function ruleLine({ direction, verdict, why }: WhyReport['rules'][number]): string {
  return `  ${direction.padEnd(7)} ${verdict.padEnd(5)} ${why.rule}: ${why.text}${fromText(why)}`
}

/** Whose rule it is, where several are worn at once. */
function fromText({ persona, p }: WhyReport['rules'][number]['why']): string {
  return p === undefined || persona === undefined ? '' : ` (${plainText(persona, 64)}, p ${p.toFixed(2)})`
}

/** `guise why WORKLOAD --to`: the server's answer on one flow, whatever hops it names. */
export function flowWhyText(answer: object): string {
  const { verdict, why, flow, denied, notBlocked, ...rest } = answer as Record<string, unknown>
  const lines: string[] = []
  if (typeof flow === 'object' && flow !== null) {
    const { from, to, protocol, port } = flow as Record<string, unknown>
    lines.push(plainText(`${String(from)} → ${String(to)} ${String(protocol)} ${String(port)}`, 200))
  }
  if (typeof verdict === 'string') lines.push(`${VERDICTS[verdict] ?? plainText(verdict, 40)}${whyLine(why)}`)
  for (const [key, value] of Object.entries(rest)) {
    if (typeof value === 'object' && value !== null && 'verdict' in value)
      lines.push(`  ${key}: ${String(value.verdict)}${whyLine((value as { why?: unknown }).why)}`)
    else if (Array.isArray(value))
      for (const one of value as unknown[])
        lines.push(`  ${key}: ${typeof one === 'string' ? plainText(one, 300) : plainText(JSON.stringify(one), 300)}`)
    else if (typeof value === 'string' || typeof value === 'number')
      lines.push(`  ${key}: ${plainText(String(value), 300)}`)
  }
  for (const one of asList(denied)) lines.push(`  refused: ${refusedLine(one as Partial<Refused>)}`)
  for (const one of asList(notBlocked)) lines.push(`  not blocked: ${plainText(String(one), 400)}`)
  return `${lines.join('\n')}\n`
}

const VERDICTS: Readonly<Record<string, string>> = {
  allow: 'Allowed',
  deny: 'Denied',
  'would-deny': 'Would be denied: the mode of its agent only counts it',
}

type Refused = {
  from: string
  to: string
  proto: number
  port: number
  rule: string
  packets: number
  last: number
}

/** What the kernel itself logged, whatever the rules say by now. */
function refusedLine({ from, to, proto, port, rule, packets, last }: Partial<Refused>): string {
  const at = typeof last === 'number' ? `, last at ${new Date(last).toISOString()}` : ''
  const service = proto === Proto.tcp || proto === Proto.udp ? ` port ${port}` : ` type ${port}`
  return plainText(
    `${packets === 1 ? '1 packet' : `${packets} packets`} ${from} → ${to}${service} by ${rule}${at}`,
    400,
  )
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function whyLine(why: unknown): string {
  if (typeof why !== 'object' || why === null || !('text' in why)) return ''
  const { text, rule, persona, p } = why as { text: unknown; rule?: unknown; persona?: string; p?: number }
  const from =
    typeof persona === 'string' && typeof p === 'number' ? ` (${plainText(persona, 64)}, p ${p.toFixed(2)})` : ''
  return `: ${plainText(String(text), 400)}${from}${rule === undefined ? '' : ` [${plainText(String(rule), 160)}]`}`
}
