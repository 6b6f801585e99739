import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../bench/kill/range.ts'
import { PLANS, stateOf } from '../../bench/shift/flows.ts'
import { makeGround } from '../../bench/shift/ground.ts'
import { run } from '../../lab/namespace.ts'
import { needRoot } from '../../test/need.ts'

const skip = needRoot()
/** Between the first two alone. */
const DENIED = 'tcp4 wa→wb second'
const WORNS = { facets: 'rules', address: 'same' } as const

test('connections that are older than the first rules go on for a bounded time, new ones of their kind do not begin', {
  skip,
  timeout: 60_000,
}, async () => {
  const ground = await makeGround('cy')
  try {
    const denied = PLANS.filter(({ permittedBy }) => permittedBy === 'second')
    await ground.open()
    const got = async () => {
      const counts = await ground.counts()
      return denied.flatMap(({ name, asks, asked }) => [counts.get(asks)![name]!.got, counts.get(asked)![name]!.got])
    }
    const grows = async (what: string) => {
      const before = await got()
      await until(what, 8_000, async () => (await got()).every((now, i) => now > before[i]! + 5))
    }
    await grows('nothing is enforced yet')
    await ground.shift(0, WORNS, 0)
    await grows('what was open goes on, both ways, though the persona denies it')
    const table = await run('nsenter', [
      `--net=/run/netns/${ground.range.router}`,
      'nft',
      'list',
      'set',
      'inet',
      'guise',
      'live4',
    ])
    const ends = [...table.matchAll(/expires (?:(\d+)m)?/g)]
    assert.ok(ends.length >= 2 * denied.length, table)
    assert.ok(
      ends.every(([, minutes]) => Number(minutes ?? 0) < 5),
      table,
    )
    await ground.driver.ask({ op: 'repair' })
    await grows('a look for foreign changes leaves it alone')
    await ground.end()
    await ground.open(
      ({ permittedBy, protocol }) => permittedBy === 'both' || (permittedBy === 'second' && protocol === 'tcp'),
    )
    const both = async () => (await ground.counts()).get('wa')!['tcp4 wa→wb both']!.got
    await until('what is permitted begins', 8_000, async () => (await both()) > 20)
    assert.equal((await ground.counts()).get('wa')!['tcp4 wa→wb second']!.got, 0)
  } finally {
    await ground.close()
  }
})

test('what is carried outlasts a repair of the table, also when others came later; a workload without rules is not known yet', {
  skip,
  timeout: 60_000,
}, async () => {
  const ground = await makeGround('cz')
  try {
    const all = stateOf(ground.spaces, 1, 0, WORNS)
    const shift = async (n: number, count: number) => {
      const state = { ...all, generation: { ...all.generation, n }, workloads: all.workloads.slice(0, count) }
      await ground.driver.ask({ op: 'shift', state })
    }
    await shift(1, 0)
    await ground.open()
    const got = async () => (await ground.counts()).get('wa')![DENIED]!.got
    const grows = async (what: string) => {
      const before = await got()
      await until(what, 8_000, async () => (await got()) > before + 5)
    }
    await grows('nobody has rules')
    await shift(2, 2)
    await grows('it was open before these were the first rules of its workload')
    await shift(3, 3)
    await grows('the first rules of another one')
    const nft = (...argv: string[]) => run('nsenter', [`--net=/run/netns/${ground.range.router}`, 'nft', ...argv])
    await nft('flush', 'chain', 'inet', 'guise', 'forward_egress')
    await ground.driver.ask({ op: 'repair' })
    assert.match(await nft('list', 'chain', 'inet', 'guise', 'forward_egress'), /jump safe_egress/)
    await grows('the table was written anew')
  } finally {
    await ground.close()
  }
})
