/**
 * Live conntrack of the network namespace this process is in: NEW and DESTROY events come in and go out at once, or a few
 * milliseconds later where they come in crowds (the reflex path waits for nothing else), a dump every tick tells how running flows progress and puts right
 * whatever events were lost.
 */
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { createFlowBatch, type FlowBatch } from '../../model/flow.ts'
import type { Outcome } from '../../model/why.ts'
import { TICK_MS } from '../../model/window.ts'
import { encodeMessage, Flag, type Message, MessageType } from '../../netlink/message.ts'
import { Family, NetlinkSocket } from '../../netlink/socket.ts'
import { createSourceCounters, type FlowSource } from '../source.ts'
import { createConntrackFlows } from './conntrack-flows.ts'
import { CT_GROUPS, CtMessage, createCtEntry, readCtEntry } from './conntrack-message.ts'

/** What 20,000 new flows a second needed with none lost (8 MB lost events at a quarter of that). */
const BUFFER_BYTES = 64 << 20
const DUMP_BUFFER_BYTES = 8 << 20
const BATCH_ROWS = 1_024
/** About 100 kB each. */
const SPARE_BATCHES = 8
/** Without a word for this long a dump is given up; the next tick asks again. */
const DUMP_TIMEOUT_MS = 4_000
const DUMP_SHARE = 20
/** Events that come closer than this gather for as long: a wake-up costs more than an event. A reflex waits no longer for it. */
const GATHER_MS = 3

export type ConntrackSource = FlowSource & {
  /** Flows followed now; entries first seen in a dump (their NEW was lost, or they were there before us). */
  readonly live: number
  readonly reconciled: number
}

export type ConntrackOptions = {
  /** How often running flows are listed, at most TICK_MS; a long table is listed less often. */
  readonly tickMs?: number
  readonly clock?: () => number
  readonly bufferBytes?: number
}

/** `batches` throws, with the cure, when the socket cannot be opened (needs CAP_NET_ADMIN over the namespace). */
export function createConntrackSource(options: ConntrackOptions = {}): ConntrackSource {
  const clock = options.clock ?? Date.now
  const counters = createSourceCounters()
  const flows = createConntrackFlows()
  const entry = createCtEntry()
  let wake: (() => void) | null = null
  return {
    name: 'conntrack',
    counters,
    get live() {
      return flows.size
    },
    get reconciled() {
      return flows.reconciled
    },
    batches: (signal) => run(signal),
  }

  async function* run(signal: AbortSignal): AsyncGenerator<FlowBatch> {
    using events = openConntrack({ groups: CT_GROUPS, bufferBytes: options.bufferBytes ?? BUFFER_BYTES })
    using dumps = openConntrack({ bufferBytes: DUMP_BUFFER_BYTES })
    const queue = createQueue(signal)
    const stop = () => {
      events.close()
      dumps.close()
      queue.end()
    }
    signal.addEventListener('abort', stop, { once: true })
    // Both run until the sockets are closed; a failure of either ends the stream.
    const work = Promise.all([readEvents(events, dumps, queue), dumpEachTick(dumps, queue)]).catch((error: unknown) => {
      queue.fail(error)
    })
    try {
      yield* queue.drain()
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
      await work
    }
  }

  async function readEvents(events: NetlinkSocket, dumps: NetlinkSocket, queue: BatchQueue): Promise<void> {
    let overruns = 0
    let cameAt = 0
    for (let messages = await events.receiveMany(); messages !== null; messages = await events.receiveMany()) {
      if (events.overruns > overruns) {
        counters.lost += events.overruns - overruns
        overruns = events.overruns
        wake?.()
      }
      if (messages.length === 0) continue
      const now = clock()
      let batch = queue.lend()
      for (const message of messages) {
        // One event is one row, or two when its beginning was lost.
        if (batch.count + 2 > batch.capacity) {
          queue.give(batch)
          batch = queue.lend()
        }
        take(message, now, batch)
      }
      queue.give(batch)
      const came = performance.now()
      if (came - cameAt < 2 * GATHER_MS) await wait(GATHER_MS)
      cameAt = came
    }
    dumps.close()
  }

  function take(message: Message, now: number, batch: FlowBatch): void {
    counters.read++
    if (message.type !== CtMessage.new && message.type !== CtMessage.delete) return
    if (!readCtEntry(message.payload, entry)) {
      refuseMessage('an event without a whole tuple')
      return
    }
    const before = batch.count
    if (message.type === CtMessage.delete) flows.closed(entry, now, batch)
    else flows.opened(entry, now, batch)
    counters.rows += batch.count - before
  }

  function refuseMessage(why: string): void {
    counters.refused++
    if (counters.refusals.length < 20) counters.refusals.push({ file: 'netlink:conntrack', why })
  }

  async function dumpEachTick(dumps: NetlinkSocket, queue: BatchQueue): Promise<void> {
    while (dumps.isOpen) {
      const began = performance.now()
      await dump(dumps, queue)
      // A full table takes long to list (0.17 s for 60,000 flows): never more than a twentieth of the time.
      const wanted = Math.max(options.tickMs ?? TICK_MS, DUMP_SHARE * (performance.now() - began))
      await untilNextDump(dumps, Math.min(TICK_MS, wanted))
    }
  }

  async function dump(dumps: NetlinkSocket, queue: BatchQueue): Promise<void> {
    const sequence = dumps.nextSequence()
    // nfgenmsg: family unspecified = IPv4 and IPv6, version 0, resource 0.
    dumps.send(encodeMessage(CtMessage.get, Flag.request | Flag.dump, sequence, Buffer.alloc(4)))
    let batch = queue.lend()
    const withRoom = () => {
      if (batch.count < batch.capacity) return batch
      queue.give(batch)
      batch = queue.lend()
      return batch
    }
    const until = performance.now() + DUMP_TIMEOUT_MS
    for (let isDone = false; !isDone && performance.now() < until; ) {
      const messages = await dumps.receive()
      if (messages === null) break
      const now = clock()
      for (const message of messages) {
        if (message.sequence !== sequence) continue
        if (message.type === MessageType.done || message.type === MessageType.error) isDone = true
        else if (message.type !== CtMessage.new) continue
        else if (!readCtEntry(message.payload, entry)) refuseMessage('a dumped entry without a whole tuple')
        else dumpRow(now, withRoom())
      }
      if (isDone) flows.dumpEnded(now, withRoom)
    }
    queue.give(batch)
  }

  function dumpRow(now: number, batch: FlowBatch): void {
    const before = batch.count
    counters.read++
    flows.dumped(entry, now, batch)
    counters.rows += batch.count - before
  }

  function untilNextDump(dumps: NetlinkSocket, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, waitMs)
      wake = done
      const check = setInterval(() => dumps.isOpen || done(), 200)
      function done() {
        clearTimeout(timer)
        clearInterval(check)
        wake = null
        resolve()
      }
    })
  }
}

const SYSCTLS = ['nf_conntrack_acct', 'nf_conntrack_timestamp', 'nf_conntrack_events'] as const

/**
 * Turns counting and time-stamping on in the current network namespace. `spared` is the namespace that must not be written
 * to whatever happens (the host's own: `readlinkSync('/proc/self/ns/net')` before entering another; null = none): being in it is refused. Flows that began before
 * are counted from nothing.
 */
export function enableAccounting(options: { readonly spared: string | null }): Outcome<readonly string[]> {
  const refusal = (why: string, cure: string): Outcome<readonly string[]> => ({
    ok: false,
    code: 'no-conntrack-accounting',
    why,
    cure,
  })
  if (readlinkSync('/proc/self/ns/net') === options.spared)
    return refusal(
      'this is the host’s own network namespace',
      'Run the agent in the namespace that forwards for its workloads.',
    )
  const changed: string[] = []
  for (const name of SYSCTLS) {
    const path = `/proc/sys/net/netfilter/${name}`
    try {
      if (readFileSync(path, 'latin1').trim() === '1') continue
      writeFileSync(path, '1')
      changed.push(name)
    } catch (error) {
      return refusal(
        `${path} cannot be written (${(error as NodeJS.ErrnoException).code})`,
        `As root in this namespace: sysctl net.netfilter.${name}=1`,
      )
    }
  }
  return { ok: true, value: changed }
}

/** Throws with the cure when conntrack cannot be listened to from here. */
function openConntrack(options: { readonly groups?: number; readonly bufferBytes: number }): NetlinkSocket {
  try {
    return new NetlinkSocket(Family.netfilter, options)
  } catch (cause) {
    throw new Error('listening to conntrack: run as root on Linux, with the conntrack module of netfilter and glibc', {
      cause,
    })
  }
}

type BatchQueue = {
  lend(): FlowBatch
  give(batch: FlowBatch): void
  end(): void
  fail(error: unknown): void
  drain(): AsyncGenerator<FlowBatch>
}

/** Batches between the two readers and the one consumer; a batch is used again once the consumer asks for the next. */
function createQueue(signal: AbortSignal): BatchQueue {
  const ready: FlowBatch[] = []
  const spare: FlowBatch[] = []
  let notify: (() => void) | null = null
  let isOver = signal.aborted
  let failure: { readonly error: unknown } | null = null
  const poke = () => {
    notify?.()
    notify = null
  }
  return {
    lend() {
      return spare.pop() ?? createFlowBatch(BATCH_ROWS)
    },
    give(batch) {
      if (batch.count === 0) spare.push(batch)
      else ready.push(batch)
      if (batch.count > 0) poke()
    },
    end() {
      isOver = true
      poke()
    },
    fail(error) {
      failure = { error }
      isOver = true
      poke()
    },
    async *drain() {
      for (;;) {
        const batch = ready.shift()
        if (batch !== undefined) {
          yield batch
          batch.count = 0
          if (spare.length < SPARE_BATCHES) spare.push(batch)
        } else if (failure !== null) throw failure.error
        else if (isOver) return
        else
          await new Promise<void>((resolve) => {
            notify = resolve
          })
      }
    },
  }
}
