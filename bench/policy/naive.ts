/**
 * The same intent as most generators write it: one chain per workload and direction, holding its rules, and one rule
 * per workload that leads there. Named sets for the peers, not one anonymous set per rule: that is kind to it.
 */
import type { AgentState, DesiredState, ResolvedRule } from '../../src/model/desired.ts'

const TABLE = 'inet naive'

export function naiveText(state: AgentState): string {
  const text = [`add table ${TABLE}\ndelete table ${TABLE}\ntable ${TABLE} {\n`]
  for (const { name, members } of state.sets)
    text.push(`set ${setName(name)} { type ipv4_addr; elements = { ${members.join(', ')} }; }\n`)
  for (const workload of state.workloads)
    for (const direction of ['egress', 'ingress'] as const)
      text.push(`chain ${chainName(workload.key, direction)} {\n${lines(workload, direction).join('\n')}\n}\n`)
  text.push(
    'chain forward {\ntype filter hook forward priority 0; policy accept;\nct state established,related accept\n',
  )
  for (const { key } of state.workloads) text.push(`iifname "${key}" jump ${chainName(key, 'egress')}\n`)
  for (const { key } of state.workloads) text.push(`oifname "${key}" jump ${chainName(key, 'ingress')}\n`)
  return `${text.join('')}}\n}\n`
}

/** One workload now wears what `workload` says. */
export function naiveShift(workload: DesiredState): string {
  return (['egress', 'ingress'] as const)
    .flatMap((direction) => {
      const chain = `${TABLE} ${chainName(workload.key, direction)}`
      return [`flush chain ${chain}`, ...lines(workload, direction).map((line) => `add rule ${chain} ${line}`), '']
    })
    .join('\n')
}

export const removeNaive = `add table ${TABLE}\ndelete table ${TABLE}\n`

function lines(workload: DesiredState, direction: 'egress' | 'ingress'): string[] {
  const list = workload[direction]
  const end = direction === 'egress' ? 'daddr' : 'saddr'
  return [...list.rules.map((rule) => line(rule, end)), `counter ${list.otherwise === 'allow' ? 'accept' : 'drop'}`]
}

function line({ verdict, match }: ResolvedRule, end: 'daddr' | 'saddr'): string {
  const peer = match.peer.kind === 'set' ? `ip ${end} @${setName(match.peer.set)} ` : ''
  const service = match.service !== null && 'from' in match.service ? `tcp dport ${match.service.from} ` : ''
  return `${peer}${service}counter ${verdict === 'allow' ? 'accept' : 'drop'}`
}

const setName = (name: string) => name.replace(/\W/g, '_')
const chainName = (key: string, direction: string) => `${direction}_${key}`
