/** The range, its streams and the enforcer in the router's namespace, as one thing that is made, asked and taken away. */
import { setTimeout as wait } from 'node:timers/promises'
import { run } from '../../lab/namespace.ts'
import { Child } from '../child.ts'
import { makeRange, type Range, until } from '../kill/range.ts'
import type { Shift, Way } from './account.ts'
import type { DriverRequest, Passed } from './driver.ts'
import { PLANS, permits, type StreamPlan, stateOf, type Worns } from './flows.ts'
import type { Counts, Request, Told } from './inside.ts'

/** As the supervisor gives its worker. */
const AGENT_NICE = -10
/** Both personas permit it. */
const GREETING_PORT = 7_099
/** Whoever was denied tries again after at most 120 s (TCP_RTO_MAX of linux/tcp.h), however often it was in vain. */
const WHOLE_MS = 125_000
const EVERY_MS = { udp: 2, tcp: 5 } as const

export type Ground = {
  readonly range: Range
  readonly spaces: readonly string[]
  readonly driver: Child<DriverRequest>
  /** Those that `chosen` takes, both ends; what a persona denies is tried as well. */
  open(chosen?: (stream: StreamPlan) => boolean): Promise<void>
  /** One shift to the end, then `dwellMs` of it. */
  shift(variant: 0 | 1, worns: Worns, dwellMs: number): Promise<Passed>
  /** All streams are closed, servers too. */
  end(): Promise<void>
  /** Address from which wa reaches wb by a new connection. */
  newSource(): Promise<string>
  counts(): Promise<ReadonlyMap<string, Counts>>
  /** Ends all sending and waits, while the second persona is worn. */
  hush(): Promise<Way[]>
  /** Ends of streams that were reset or closed. */
  broken(): Promise<number>
  /** Ends all sending, lets each persona have what is under way, and says who remembers what. */
  settle(worns: Worns): Promise<Way[]>
  /** Segments that TCP sent again, of the streams that `chosen` takes. */
  retransmitted(chosen: (stream: StreamPlan) => boolean): Promise<number>
  close(): Promise<void>
}

/** Without the mounts of `ip netns exec`, which would hide the cgroups; `nice` as the agent's worker has it from its supervisor. */
function within<Asked>(namespace: string, script: string, nice = 0): Child<Asked> {
  const path = new URL(`./${script}`, import.meta.url).pathname
  const argv = [`--net=/run/netns/${namespace}`, 'nice', '-n', String(nice), process.execPath, path]
  return new Child(`${script} inside ${namespace}`, ['nsenter', ...argv])
}

export async function makeGround(tag: string): Promise<Ground> {
  const range = await makeRange(tag)
  const names = range.plan.workloads.map(({ name }) => name)
  const spaces = names.map((name) => `${range.plan.prefix}-${name}`)
  const insides = new Map<string, Child<Request>>()
  const driver = within<DriverRequest>(range.router, 'driver.ts', AGENT_NICE)
  for (const [i, name] of names.entries()) insides.set(name, within(spaces[i]!, 'inside.ts'))
  const inside = <T>(name: string, request: Request) => insides.get(name)!.ask<T>(request)
  let n = 0
  let opened: readonly StreamPlan[] = []

  async function counts() {
    return new Map(
      await Promise.all(names.map(async (name) => [name, await inside<Counts>(name, { op: 'counts' })] as const)),
    )
  }

  async function told(stream: StreamPlan): Promise<Way[]> {
    const [asks, asked] = [
      await inside<Told>(stream.asks, { op: 'told', name: stream.name }),
      await inside<Told>(stream.asked, { op: 'told', name: stream.name }),
    ]
    return [
      { stream, sent: asks.sent, left: asks.left, got: asked.got },
      { stream, sent: asked.sent, left: asked.left, got: asks.got },
    ]
  }

  const ground: Ground = {
    range,
    spaces,
    driver,
    async open(chosen = () => true) {
      opened = PLANS.filter(chosen)
      for (const side of ['asked', 'asks'] as const)
        for (const stream of opened)
          await inside(stream[side], { op: 'open', side, stream, everyMs: EVERY_MS[stream.protocol] })
      await Promise.all(names.map((name) => inside(name, { op: 'begin' })))
    },
    async shift(variant, worns, dwellMs) {
      const state = stateOf(spaces, ++n, variant, worns)
      const passed = await driver.ask<Passed>({ op: 'shift', state })
      await wait(dwellMs)
      return passed
    },
    async end() {
      for (const name of names) await inside(name, { op: 'end' })
    },
    async newSource() {
      const { asks, asked, target } = PLANS[0]!
      const port = GREETING_PORT
      await inside(asked, { op: 'greet', address: target, port })
      return inside<string>(asks, { op: 'ask', address: target, port })
    },
    counts,
    async hush() {
      await Promise.all(names.map((name) => inside(name, { op: 'hush' })))
      await isWhole(1, opened, counts)
      return (await Promise.all(opened.map(told))).flat()
    },
    async broken() {
      const ends = [...(await counts()).values()].flatMap((one) => Object.values(one))
      return ends.filter(({ broken }) => broken !== '').length
    },
    async settle(worns) {
      await Promise.all(names.map((name) => inside(name, { op: 'hush' })))
      for (const variant of [0, 1] as const) {
        await ground.shift(variant, worns, 0)
        if (!(await isWhole(variant, opened, counts)))
          process.stderr.write(`not everything arrived within ${WHOLE_MS} ms\n`)
      }
      return (await Promise.all(opened.map(told))).flat()
    },
    async retransmitted(chosen) {
      let sum = 0
      for (const [i, name] of names.entries()) {
        const said = await run('nsenter', [`--net=/run/netns/${spaces[i]}`, 'ss', '-tinHO'])
        for (const { asks, asked, port, protocol } of PLANS.filter(chosen)) {
          if (protocol !== 'tcp' || (asks !== name && asked !== name)) continue
          for (const line of said.split('\n'))
            if (line.includes(`:${port} `)) sum += Number(/ retrans:\d+\/(\d+)/.exec(line)?.[1] ?? 0)
        }
      }
      return sum
    },
    async close() {
      for (const child of [driver, ...insides.values()]) child.close()
      await range.remove()
    },
  }
  try {
    await driver.ask({ op: 'start', inventory: range.inventory, home: range.home })
  } catch (error) {
    await ground.close()
    throw error
  }
  return ground
}

/** All of TCP that `variant` permits: as much got as was sent, on both ways. A sender that was denied waits ever longer. */
function isWhole(variant: 0 | 1, opened: readonly StreamPlan[], counts: Ground['counts']): Promise<boolean> {
  const permitted = opened.filter(({ protocol, permittedBy }) => protocol === 'tcp' && permits(variant, permittedBy))
  return until('everything arrived', WHOLE_MS, async () => {
    const all = await counts()
    return permitted.every(({ name, asks, asked }) => {
      const [there, back] = [all.get(asks)![name]!, all.get(asked)![name]!]
      return there.sent === back.got && back.sent === there.got
    })
  }).then(
    () => true,
    () => false,
  )
}

export function shiftOf(variant: 0 | 1, passed: Passed): Shift {
  return { variant, began: passed.received!, from: passed['facets-prepared']!, to: passed['nft-flipped']! }
}
