/** Hooks of others in this network namespace (Docker, podman, firewalld, fail2ban, a hand): told beside ours, never touched. */
import type { ForeignChain } from '../model/foreign-chain.ts'
import { plainText } from '../model/plain-text.ts'
import { command } from './step.ts'

const OURS = /^(?:guise|guise_.+)$/
const MOST = 200

export async function foreignChains(): Promise<ForeignChain[]> {
  return readForeign(JSON.parse(await command('nft', ['-j', 'list', 'chains'])))
}

/** Names are those of strangers. */
export function readForeign(listing: unknown): ForeignChain[] {
  const items = (listing as { readonly nftables?: readonly { readonly chain?: Record<string, unknown> }[] }).nftables
  return (items ?? [])
    .flatMap(({ chain }) => (chain === undefined || typeof chain.hook !== 'string' ? [] : [chain]))
    .filter((chain) => !OURS.test(String(chain.table)))
    .slice(0, MOST)
    .map(({ family, table, name, hook, prio, policy }) => ({
      table: plainText(`${String(family)} ${String(table)}`, 80),
      chain: plainText(String(name), 80),
      hook: plainText(String(hook), 20),
      priority: Number(prio),
      policy: plainText(String(policy ?? 'accept'), 10),
    }))
}
