/** What was sensed and done becomes reports: one a tick, one at once when enforcement has news, sent in order from the spool. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Enforcer } from '../enforce/enforcer.ts'
import type { ForeignChain } from '../model/foreign-chain.ts'
import type { MachineReport, MachineResult } from '../model/machine-order.ts'
import type { Mode } from '../model/policy.ts'
import type { SourceHealth } from '../model/source-health.ts'
import type { WireVitals } from '../model/vitals.ts'
import { TICK_MS } from '../model/window.ts'
import type { AgentReport, WireDenial, WireRefusal, WorkloadReport } from '../model/wire.ts'
import type { Link } from './link.ts'
import { prefixed, type Sense, type Sensed } from './sense.ts'
import { createSpool } from './spool.ts'

export type ReporterOptions = {
  readonly link: Link
  readonly path: string
  readonly boot: string
  readonly host: string
  readonly mode: () => Mode
  readonly workloads: () => readonly WorkloadReport[]
  readonly sense: Sense
  readonly enforcer: Enforcer
  readonly counters: () => Record<string, number>
  /** Refused flows since the last report. */
  readonly denials: () => WireDenial[]
  /** Messages of the server that were not acted on, since the last report. */
  readonly refusals: () => WireRefusal[]
  /** How every source is, told with each tick; `ticks` were made so far, of which the spool dropped so many. */
  readonly sources: (now: number, spool: { readonly ticks: number; readonly dropped: number }) => SourceHealth[]
  /** What workloads used since the tick before. */
  readonly vitals: () => WireVitals | null
  /** What became of orders since the last report. */
  readonly orders: () => MachineResult[]
  /** The machines of this host, told with the workloads. */
  readonly machines: () => readonly MachineReport[]
  /** Hooks of others in this kernel, told with the workloads. */
  readonly beside: () => readonly ForeignChain[]
  readonly say: (line: string) => void
  /** That of what is sensed: ticks end by it. */
  readonly clock?: () => number
}

export type Reporter = {
  /** Something that must not wait for the tick. */
  urgent(): void
  /** Somebody may be asking about this already: within half a second, unless reports are waiting anyway. */
  soon(): void
  /** The server was heard: what waits for it need not wait out its back-off. */
  reachable(): void
  /** The next report names every workload again. */
  reintroduce(): void
  run(signal: AbortSignal): Promise<void>
}

/** Events of a tick's last moments are in the socket for a little while yet. */
const SETTLE_MS = 500
/** How often detectors are asked between ticks: news of them is sent at once, so a theft is not given the rest of its tick. */
export const LOOK_MS = 1_250
const REINTRODUCE_TICKS = 12
/** News that comes in crowds is gathered for so long. */
const SOON_MS = 400
const NOTHING: Sensed = { ticks: [], conversations: [], evidence: [] }

export function createReporter(options: ReporterOptions): Reporter {
  const { link, sense, enforcer, say } = options
  const clock = options.clock ?? Date.now
  const spool = createSpool()
  let sequence = 0
  let ticks = 0
  let made = 0
  let introduce = true
  let sending: Promise<void> = Promise.resolve()
  let isBusy = false
  let failures = 0
  let waiting: AbortController | null = null
  let gathering: NodeJS.Timeout | null = null

  const make = (sensed: Sensed): AgentReport => {
    const report: AgentReport = {
      boot: options.boot,
      sequence: sequence++,
      at: clock(),
      host: options.host,
      mode: options.mode(),
      ...(introduce
        ? { workloads: [...options.workloads()], machines: [...options.machines()], beside: [...options.beside()] }
        : {}),
      ...sensed,
      reflexes: sense.reflex.take(),
      applied: enforcer.applied,
      counters: { ...options.counters(), ...sense.counters(), ...prefixed('spool', spool.counters) },
      denies: enforcer.takeDenies(),
      hits: enforcer.takeHits(),
      ...some('denials', options.denials()),
      ...some('refusals', options.refusals()),
      ...some('orders', options.orders()),
    }
    introduce = false
    return report
  }
  const flush = async (signal?: AbortSignal): Promise<void> => {
    if (isBusy) return sending
    isBusy = true
    sending = drain(signal).finally(() => {
      isBusy = false
    })
    return sending
  }
  const drain = async (signal?: AbortSignal): Promise<void> => {
    for (let report = spool.first(); report !== null && signal?.aborted !== true; report = spool.first()) {
      // How far enforcement is counts now, not when the report began to wait: on an old word the server would act.
      const body = JSON.stringify({ ...report, applied: enforcer.applied })
      const status = await link.post(options.path, body).then(
        (answer) => answer.status,
        () => 0,
      )
      if (status >= 200 && status < 300) {
        if (failures > 0) introduce = true
        failures = 0
        spool.shift()
      } else if (status >= 400 && status < 500 && ![401, 403, 404, 408, 429].includes(status)) {
        say(`the server refused report ${report.sequence} (${status}); it is dropped`)
        spool.shift()
      } else {
        spool.keep()
        if (failures++ === 0) say(`reports wait: the server ${status === 0 ? 'is not there' : `answered ${status}`}`)
        waiting = new AbortController()
        const ends = AbortSignal.any(signal === undefined ? [waiting.signal] : [waiting.signal, signal])
        const pauseMs = Math.random() * Math.min(10_000, 250 * 2 ** Math.min(failures, 8))
        await wait(pauseMs, undefined, { signal: ends }).catch(() => {})
        waiting = null
      }
    }
  }

  return {
    urgent() {
      spool.push(make(NOTHING))
      void flush()
    },
    soon() {
      if (gathering !== null || spool.size > 0) return
      gathering = setTimeout(() => {
        gathering = null
        spool.push(make(NOTHING))
        void flush()
      }, SOON_MS)
      gathering.unref()
    },
    reachable: () => waiting?.abort(),
    reintroduce() {
      introduce = true
    },
    async run(signal) {
      sense.close(clock())
      while (!signal.aborted) {
        const now = clock()
        const next = Math.floor((now - SETTLE_MS) / TICK_MS) * TICK_MS + TICK_MS + SETTLE_MS
        await wait(Math.max(10, Math.min(LOOK_MS, next - now)), undefined, { signal }).catch(() => {})
        if (signal.aborted) return
        if (clock() < next) {
          const evidence = sense.alarms(clock())
          if (evidence.length === 0) continue
          spool.push(make({ ...NOTHING, evidence }))
          void flush(signal)
          continue
        }
        if (ticks++ % REINTRODUCE_TICKS === 0) introduce = true
        const sensed = sense.close(clock() - SETTLE_MS)
        made += sensed.ticks.length
        const sources = options.sources(clock(), { ticks: made, dropped: spool.counters.droppedTicks })
        const vitals = options.vitals()
        spool.push({ ...make(sensed), sources, ...(vitals === null ? {} : { vitals }) })
        void flush(signal)
      }
    },
  }
}

function some<K extends string, T>(name: K, items: readonly T[]): { [key in K]?: T[] } {
  return (items.length === 0 ? {} : { [name]: items }) as { [key in K]?: T[] }
}
