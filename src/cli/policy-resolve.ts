/** `guise policy resolve NAME`: the workloads and addresses that the selectors of a policy stand for now. */
import type { Command } from 'commander'
import { slug } from '../model/ids.ts'
import { plainText } from '../model/plain-text.ts'
import type { ResolvedPeer, ResolvedPolicy } from '../model/preview.ts'
import { clientOf, print } from './client.ts'

const MOST_NAMES = 20

export async function resolvePolicy(name: string, command: Command): Promise<void> {
  const found = await clientOf(command).get<ResolvedPolicy>(`/v1/policies/${encodeURIComponent(slug(name))}/resolve`)
  print(command, found, resolvedText)
}

export function resolvedText({ policy, mode, subjects, rules, overlap }: ResolvedPolicy): string {
  const who =
    subjects.total === 0
      ? 'no workload: it does nothing'
      : `${subjects.total} workload${subjects.total === 1 ? '' : 's'}: ${listed(
          subjects.workloads.map((one) => one.name),
          subjects.total,
        )}`
  return [
    `${plainText(policy, 80)} (${mode}) is about ${who}`,
    ...rules.flatMap((rule) => [
      `${rule.index + 1}. ${plainText(rule.text, 300)}`,
      ...rule.peers.map((peer) => `   ${peerText(peer)}`),
    ]),
    ...(overlap === undefined ? [] : overlapLines(overlap)),
  ].join('\n')
}

function overlapLines({ strategy, worn }: NonNullable<ResolvedPolicy['overlap']>): string[] {
  if (worn.length === 0) return [`Overlap by ${strategy}: nobody wears several personas now`]
  return [
    `Overlap by ${strategy}:`,
    ...worn.slice(0, MOST_NAMES).map(({ name, merged }) => {
      const personas = merged.of.map((one) => `${plainText(one.name, 64)} ${one.p.toFixed(2)} ${one.word}`).join(', ')
      return `   ${plainText(name, 80)} wears ${personas}`
    }),
    ...(worn.length > MOST_NAMES ? ['   …'] : []),
  ]
}

function peerText({ text, set, outside, total, addresses, workloads }: ResolvedPeer): string {
  if (set === null) return plainText(text, 80)
  if (total === 0) return `${plainText(text, 80)}: nobody, so it matches nothing`
  const names = workloads.length > 0 ? workloads.map((one) => one.name) : addresses
  return `${outside ? 'outside ' : ''}${plainText(text, 80)}: ${total} address${total === 1 ? '' : 'es'}: ${listed(names, Math.max(total, names.length))}`
}

function listed(names: readonly string[], total: number): string {
  const shown = names.slice(0, MOST_NAMES).map((one) => plainText(one, 80))
  return `${shown.join(', ')}${total > shown.length ? ' …' : ''}`
}
