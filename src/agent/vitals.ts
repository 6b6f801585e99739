/** What the inventory says comes in with every tick, a batch of vitals goes out: what each workload used since the tick before. */
import { ifbOf } from '../enforce/facets/bandwidth.ts'
import type { Inventory } from '../enforce/snapshot.ts'
import type { WireVitals } from '../model/vitals.ts'
import { encodeVitals, type Looked, readingsBetween } from '../observe/reduce/vitals.ts'
import { createVitalsLook, type Subject, type Told } from '../observe/vitals/look.ts'
import { type StartsWatch, watchStarts } from '../observe/vitals/starts.ts'
import { prefixed } from './sense.ts'
import type { Measured } from './source-health.ts'
import { hop } from './source-health.ts'
import type { OwnSource } from './sources.ts'

export type AgentVitals = {
  /** Looks; null the first time, and when nobody here can be looked at. */
  take(inventory: Inventory): WireVitals | null
  /** The workload that is alone in a network namespace. */
  aloneIn(netns: number): string | null
  readonly source: OwnSource
  readonly counters: Readonly<Record<string, number>>
  close(): void
}

/** Reasons change seldom and are long: with every twelfth batch, and when the inventory changed, or who is counted. */
const WHY_EVERY = 12
const DRAIN_MS = 1_000
const LONGEST_SPAN_MS = 86_400_000

export function createAgentVitals(options: {
  readonly clock: () => number
  /** Does not jump: spans are measured by it. */
  readonly monotonicMs: () => number
  /** What other sensors told. */
  readonly told: Told
  /** Whose system calls are to be counted, by key. */
  readonly counted: () => ReadonlySet<string> | 'everybody'
}): AgentVitals {
  const starts = openStarts()
  const sight = createVitalsLook(starts, options.told)
  // Its buffer has room for some seconds of a busy host, and a look comes every five.
  const listening = typeof starts === 'string' ? undefined : setInterval(() => starts.drain(), DRAIN_MS).unref()
  let before = new Map<string, Looked>()
  let lookedAt = Number.NaN
  let batches = 0
  let told: Inventory | null = null
  let toldCounted = ''
  let readings = 0
  const measure = (): Measured => ({
    flows: readings,
    lost: sight.counters.failed + (typeof starts === 'string' ? 0 : starts.counters.lost),
    refused: 0,
    refusals: [],
    lagMs: null,
    exporters: [],
    exportersMore: 0,
    failed: sight.failing === null ? null : `links cannot be read: ${sight.failing}; it is tried again every 5 s`,
    hops: [
      hop(
        'socket',
        sight.counters.looks,
        sight.counters.failed,
        'samples',
        'looks at links that the kernel did not answer whole',
      ),
      ...(typeof starts === 'string'
        ? []
        : [
            hop(
              'socket',
              starts.counters.read,
              starts.counters.lost,
              'events',
              'times the kernel had no room to tell of programs',
            ),
          ]),
    ],
  })

  return {
    get counters() {
      const { calls, ...looks } = sight.counters
      const told = { ...looks, ...prefixed('calls', calls) }
      return typeof starts === 'string' ? told : { ...told, ...prefixed('starts', starts.counters) }
    },
    take(inventory) {
      const counted = options.counted()
      const subjects = subjectsOf(inventory, counted)
      const [at, now] = [options.monotonicMs(), options.clock()]
      const spanMs = Math.round(Math.min(LONGEST_SPAN_MS, at - lookedAt))
      const found = sight.look(subjects, at)
      const whose = [...counted].join()
      const isTold = batches++ % WHY_EVERY === 0 || told !== inventory || toldCounted !== whose
      const rows = [...found].map(([key, looked]) => ({
        key,
        readings: readingsBetween(before.get(key) ?? null, looked),
        ...(isTold ? { why: looked.why } : {}),
      }))
      const isFirst = !(spanMs >= 1)
      before = new Map(found)
      lookedAt = at
      if (isFirst) return null
      told = inventory
      toldCounted = whose
      readings += rows.length
      return rows.length === 0 ? null : encodeVitals(Math.max(0, now - spanMs), spanMs, rows)
    },
    aloneIn: (netns) => sight.aloneIn(netns),
    source: {
      name: 'vitals',
      kind: 'vitals',
      quiet: 'nobody to look at: the inventory names no workload that is on this host',
      measure,
      reduced: () => 0,
    },
    close() {
      clearInterval(listening)
      sight.close()
    },
  }
}

/** Where the kernel has no proc connector, or does not let us hear it, that is all that is not known. */
function openStarts(): StartsWatch | string {
  try {
    return watchStarts()
  } catch (error) {
    return `the kernel's proc connector does not tell us: ${(error as Error).message}`.slice(0, 200)
  }
}

const NOT_ASKED =
  'counting slows each of them, so it must be asked for: inspection: full, or its agent with --count-calls'
const A_MACHINE = "it is a machine: its calls are its own kernel's"
const A_HOST = 'they are counted by workload, not of a whole host'

/** Whom this host can look at: not a device that only routes through here, nor one that others tell of. */
function subjectsOf(
  { workloads, places, namespaces }: Inventory,
  counted: ReadonlySet<string> | 'everybody',
): Subject[] {
  return workloads.flatMap(({ key, driver, interface: face }) => {
    if (driver === 'gateway' || driver === 'recording') return []
    const isHost = driver === 'host'
    const { cgroup = null } = places?.get(key) ?? {}
    const upFace = face === null ? null : ifbOf(face)
    const isMachine = driver === 'qemu' || driver === 'libvirt'
    const isAsked = counted === 'everybody' || counted.has(key)
    const uncounted = isMachine ? A_MACHINE : isHost ? A_HOST : isAsked ? null : NOT_ASKED
    return [{ key, isHost, face, upFace, cgroup, namespace: namespaces.get(key) ?? null, uncounted }]
  })
}
