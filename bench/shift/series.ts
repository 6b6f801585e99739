/** A row of shifts there and back under load, and what became of the streams meanwhile. */
import { percentile } from '../report.ts'
import { type Account, account, obeyedAfter, type Shift } from './account.ts'
import type { Passed } from './driver.ts'
import type { Worns } from './flows.ts'
import { type Ground, makeGround, shiftOf } from './ground.ts'

export type Series = Account & {
  readonly shifts: number
  readonly broken: number
  readonly tcp_retransmits: number
  /** Of the streams that no shift is about: what this machine does by itself. */
  readonly control_retransmits: number
  /** From the state received to packets that obey it. */
  readonly p50_ms: number
  readonly p99_ms: number
  /** From everything prepared to packets that obey. */
  readonly switch_p50_ms: number
  readonly switch_p99_ms: number
  readonly prepared_p50_ms: number
  readonly prepared_p99_ms: number
  readonly split_p50_ms: Readonly<Record<string, number>>
}

/** What each part of a change is between: compile, journal, prepare, switch, probe, confirm. */
const SPLIT = {
  compile: ['received', 'before-intent'],
  journal: ['before-intent', 'intent-written'],
  prepare: ['intent-written', 'facets-prepared'],
  switch: ['facets-prepared', 'source-switched'],
  probe: ['source-switched', 'probed'],
  confirm: ['confirm', 'confirmed'],
} as const satisfies Record<string, readonly [keyof Passed, keyof Passed]>

export async function runSeries(
  tag: string,
  shifts: number,
  worns: Worns,
  dwellMs: number,
  leaving?: AbortSignal,
): Promise<Series> {
  const ground = await makeGround(tag)
  try {
    // Both chains are there and both states were captured once: a shift to what others wear, not a first one.
    for (const variant of [0, 1, 0] as const) await ground.shift(variant, worns, 0)
    await ground.open()
    const passed = await walk(ground, shifts, worns, dwellMs, leaving)
    const endedAt = Number(process.hrtime.bigint()) / 1e6
    const ways = await ground.settle(worns)
    const done = passed.map((one, i) => shiftOf(variantOf(i), one))
    return {
      shifts,
      ...account(ways, done, endedAt),
      broken: await ground.broken(),
      tcp_retransmits: await ground.retransmitted(({ permittedBy }) => permittedBy === 'both'),
      control_retransmits: await ground.retransmitted(({ permittedBy }) => permittedBy === 'nobody'),
      ...times(passed, done, obeyedAfter(ways, done)),
    }
  } finally {
    await ground.close()
  }
}

const variantOf = (i: number): 0 | 1 => (i % 2 === 0 ? 1 : 0)

async function walk(
  ground: Ground,
  shifts: number,
  worns: Worns,
  dwellMs: number,
  leaving?: AbortSignal,
): Promise<Passed[]> {
  const passed: Passed[] = []
  for (let i = 0; i < shifts; i++) {
    leaving?.throwIfAborted()
    passed.push(await ground.shift(variantOf(i), worns, dwellMs))
    if (i % 100 === 99) process.stderr.write(`${i + 1} shifts\n`)
  }
  return passed
}

function times(passed: readonly Passed[], shifts: readonly Shift[], obeyed: readonly number[]) {
  const between = ([from, to]: readonly [keyof Passed, keyof Passed]) => passed.map((one) => one[to]! - one[from]!)
  const late = shifts.length - obeyed.length
  const switched = obeyed.map((ms, i) => ms - (shifts[i + late]!.from - shifts[i + late]!.began))
  const prepared = shifts.map(({ began, from }) => from - began)
  return {
    p50_ms: round(percentile(obeyed, 50)),
    p99_ms: round(percentile(obeyed, 99)),
    switch_p50_ms: round(percentile(switched, 50)),
    switch_p99_ms: round(percentile(switched, 99)),
    prepared_p50_ms: round(percentile(prepared, 50)),
    prepared_p99_ms: round(percentile(prepared, 99)),
    split_p50_ms: Object.fromEntries(
      Object.entries(SPLIT).map(([part, ends]) => [part, round(percentile(between(ends), 50))]),
    ),
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
