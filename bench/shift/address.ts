/**
 * Changes of address under load, there and back: the streams go on by the old address, which stays for them; new connections
 * come from the new one; when the streams are over the old address goes, at the next look.
 */
import { run } from '../../lab/namespace.ts'
import { until } from '../kill/range.ts'
import { percentile } from '../report.ts'
import { account } from './account.ts'
import { type Ground, makeGround, shiftOf } from './ground.ts'

export type AddressChange = {
  readonly changes: number
  readonly messages: number
  readonly lost_packets: number
  readonly broken: number
  /** Old addresses that went after their last connection, and not before. */
  readonly drained: number
  /** Old addresses that were gone while they were used, or still there when nobody used them. */
  readonly not_drained: number
  readonly new_source: number
  readonly p50_ms: number
}

const WORNS = { facets: 'rules', address: 'changes' } as const
const OLD = { v4: '10.77.1.2', v6: 'fd77:0:1::2' } as const
/** The last words of a connection that ends; well below what ends all of them. */
const DRAINED_MS = 10_000
const NEW = '10.99.0.5'

export async function changeAddresses(tag: string, rounds: number, dwellMs: number): Promise<AddressChange> {
  const ground = await makeGround(tag)
  const sum = { changes: 0, messages: 0, lost_packets: 0, broken: 0, drained: 0, not_drained: 0, new_source: 0 }
  const took: number[] = []
  try {
    // The second time everything was there once; the old address goes at once, because nobody uses it.
    for (const variant of [0, 1, 0] as const) await ground.shift(variant, WORNS, 0)
    for (let round = 0; round < rounds; round++) {
      await ground.open(({ permittedBy }) => permittedBy === 'both' || permittedBy === 'nobody')
      const passed = await ground.shift(1, WORNS, dwellMs)
      sum.changes++
      took.push(passed['source-switched']! - passed.received!)
      // Looked at as the agent does: each second.
      await ground.driver.ask({ op: 'repair' })
      const stayed = await hasOld(ground)
      if ((await ground.newSource()) === NEW) sum.new_source++
      const endedAt = Number(process.hrtime.bigint()) / 1e6
      const { sent, lost } = account(await ground.hush(), [shiftOf(1, passed)], endedAt)
      sum.messages += sent
      sum.lost_packets += lost
      sum.broken += await ground.broken()
      await ground.end()
      const went = await until('the old address went', DRAINED_MS, async () => {
        await ground.driver.ask({ op: 'repair' })
        return !(await hasOld(ground))
      }).then(
        () => true,
        () => false,
      )
      if (stayed && went) sum.drained++
      else sum.not_drained++
      await ground.shift(0, WORNS, 0)
    }
    return { ...sum, p50_ms: Math.round(percentile(took, 50) * 100) / 100 }
  } finally {
    await ground.close()
  }
}

/** Both families, or neither: anything between would be half a change. */
async function hasOld({ spaces }: Ground): Promise<boolean> {
  const said = await run('ip', ['-n', spaces[0]!, '-o', 'addr', 'show', 'scope', 'global'])
  const there = [OLD.v4, OLD.v6].filter((address) => said.includes(` ${address}/`))
  if (there.length === 1) throw new Error(`half of the old addresses are there: ${said}`)
  return there.length === 2
}
