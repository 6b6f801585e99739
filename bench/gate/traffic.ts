/** Recorded flows in, the conversations of every host in them out: by rule and step of five minutes, for both ends. */
import { type NameOf, ruleOf } from '../../src/learn/gate/rule-of.ts'
import { type Occasion, STEP_MS } from '../../src/learn/gate/unseen.ts'
import { formatAddress } from '../../src/model/address.ts'
import { FAILED_STATES, type FlowBatch, Proto } from '../../src/model/flow.ts'
import type { Conversation } from '../../src/model/window.ts'
import { createServiceNames } from '../../src/observe/source.ts'
import { createFileSource } from '../../src/observe/sources/open.ts'

/** One rule in one step: `weight` counts it once, `flows` as often as it was used; `seen` is when first, epoch ms. */
export type Use = Occasion & { readonly flows: number; readonly seen: number }

export type Traffic = {
  readonly hosts: ReadonlyMap<string, readonly Use[]>
  readonly from: number
  readonly until: number
  readonly flows: number
}

type Cell = Pick<Conversation, 'peer' | 'port' | 'proto' | 'direction'> & {
  readonly at: number
  seen: number
  flows: number
  failed: number
}

export type Reading = {
  readonly paths: readonly string[]
  /** Whose traffic that of an address is; null = nobody's we look at. */
  readonly hostOf: (address: string) => string | null
  readonly nameOf: NameOf
  /** So many ms are told for each one that was recorded. */
  readonly pace: number
}

export async function readTraffic({ paths, hostOf, nameOf, pace }: Reading): Promise<Traffic> {
  const source = createFileSource({ paths, services: createServiceNames() })
  const cells = new Map<string, Map<string, Cell>>()
  let [from, until, flows] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  const add = (own: string, direction: Conversation['direction'], peer: string, batch: FlowBatch, row: number) => {
    const host = hostOf(own)
    if (host === null) return
    const proto = batch.proto[row]!
    const isIcmp = proto === Proto.icmp || proto === Proto.icmp6
    const port = isIcmp ? batch.sourcePort[row]! : batch.targetPort[row]!
    const seen = batch.start[row]! * pace
    const at = Math.floor(seen / STEP_MS) * STEP_MS
    const key = `${at} ${direction} ${proto} ${port} ${peer}`
    const known = cells.get(host) ?? new Map<string, Cell>()
    cells.set(host, known)
    const cell = known.get(key) ?? { peer, port, proto, direction, at, seen, flows: 0, failed: 0 }
    known.set(key, cell)
    cell.seen = Math.min(cell.seen, seen)
    cell.flows += batch.flows[row]!
    if (FAILED_STATES.has(batch.state[row]!)) cell.failed += batch.flows[row]!
  }
  for await (const batch of source.batches(AbortSignal.timeout(600_000))) {
    for (let row = 0; row < batch.count; row++) {
      const [source, target] = [formatAddress(batch.source, row * 4), formatAddress(batch.target, row * 4)]
      add(source, 'initiated', target, batch, row)
      add(target, 'served', source, batch, row)
      from = Math.min(from, batch.start[row]! * pace)
      until = Math.max(until, batch.start[row]! * pace)
      flows += batch.flows[row]!
    }
  }
  if (flows === 0) throw new Error(`there are no flows in ${paths.join(', ')}; give a folder of recorded flows`)
  const hosts = new Map([...cells].map(([host, own]) => [host, usesOf([...own.values()], nameOf)]))
  return { hosts, from, until, flows }
}

/** Conversations of one step that one rule allows are one use of it. */
function usesOf(cells: readonly Cell[], nameOf: NameOf): Use[] {
  const uses = new Map<string, { rule: string; at: number; seen: number; weight: number; flows: number }>()
  for (const cell of cells) {
    const rule = ruleOf(cell, nameOf)
    if (rule === null) continue
    const use = uses.get(`${cell.at} ${rule}`) ?? { rule, at: cell.at, seen: cell.seen, weight: 1, flows: 0 }
    uses.set(`${cell.at} ${rule}`, use)
    use.seen = Math.min(use.seen, cell.seen)
    use.flows += cell.flows
  }
  return [...uses.values()].sort((a, b) => a.seen - b.seen)
}
