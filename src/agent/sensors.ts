/**
 * What other sensors tell comes in (`observe/sensors/`), each thing is found its workload; programs and calls are counted for
 * its vitals, alerts become evidence. What cannot be attributed is counted as nobody's, never guessed: a process number
 * means something on the sensor's own host only, and a short id could be anybody's.
 */
import { createHostAlerts } from '../assess/host-alerts.ts'
import { containerId } from '../enforce/drivers/container/runtimes.ts'
import type { Inventory } from '../enforce/snapshot.ts'
import type { SensorEvent, Whose } from '../observe/sensors/sensor.ts'
import type { Told } from '../observe/vitals/look.ts'
import type { Sensed } from './sense.ts'

export type Sensors = {
  /** Programs and calls since the start, for whom a sensor can tell them. */
  readonly told: Told
  take(event: SensorEvent): void
  setInventory(inventory: Inventory): void
  alarms(now: number): Sensed['evidence']
  readonly counters: { programs: number; calls: number; alerts: number; nobodys: number; unasked: number }
}

/** Asking whose a process is costs some microseconds: so many a second, the rest is nobody's. */
const MOST_ASKED = 2_000

export function createSensors(options: {
  /** Which sensors there are. */
  readonly kinds: readonly string[]
  readonly hostname: string
  /** Inode of the network namespace of a process, 0 when it is gone. */
  readonly netnsOf: (pid: number) => number
  /** The workload that is alone in it; null = nobody, or several. */
  readonly aloneIn: (netns: number) => string | null
  readonly monotonicMs: () => number
}): Sensors {
  const { kinds } = options
  const host = hostName(options.hostname)
  const alerts = createHostAlerts()
  const counters = { programs: 0, calls: 0, alerts: 0, nobodys: 0, unasked: 0 }
  const programs = new Map<string, number>()
  const calls = new Map<string, number>()
  let containers: readonly { readonly id: string; readonly key: string }[] = []
  let byHost = new Map<string, string | null>()
  let [second, asked] = [0, 0]

  const ofContainer = (id: string): string | null => {
    const found = containers.filter((one) => one.id.startsWith(id) || id.startsWith(one.id))
    return found.length === 1 ? found[0]!.key : null
  }
  const ofProcess = (pids: readonly number[]): string | null => {
    const now = Math.floor(options.monotonicMs() / 1_000)
    if (now !== second) [second, asked] = [now, 0]
    for (const pid of pids) {
      if (asked >= MOST_ASKED) {
        counters.unasked++
        return null
      }
      asked++
      const netns = options.netnsOf(pid)
      // The child is gone: its parent is where it was.
      if (netns !== 0) return options.aloneIn(netns)
    }
    return null
  }
  const keyOf = (whose: Whose): string | null => {
    if (whose.container !== null) return ofContainer(whose.container)
    const told = whose.host === null ? host : hostName(whose.host)
    if (told === host) return ofProcess(whose.pids)
    return byHost.get(told) ?? null
  }
  const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)

  return {
    counters,
    told: {
      programs: kinds.includes('tetragon') || kinds.includes('auditd') ? (key) => programs.get(key) ?? 0 : null,
      calls: kinds.includes('tetragon') || kinds.includes('auditd') ? (key) => calls.get(key) ?? 0 : null,
    },
    take(event) {
      if (event.kind === 'lost') return
      const key = keyOf(event.whose)
      if (key === null) {
        counters.nobodys++
        return
      }
      if (event.kind === 'program') {
        counters.programs++
        add(programs, key)
      } else if (event.kind === 'call') {
        counters.calls++
        add(calls, key)
      } else {
        counters.alerts++
        const { at, sensor, rule, severity } = event
        alerts.take({ key, at, sensor, rule, severity })
      }
    },
    setInventory({ workloads }) {
      containers = workloads.flatMap(({ key }) => {
        const id = containerId(key)
        return id !== null && /^[0-9a-f]{12,64}$/.test(id) ? [{ id, key }] : []
      })
      byHost = new Map()
      for (const { key, name, driver } of workloads) {
        // A name of two is nobody's.
        if (driver === 'qemu' || driver === 'libvirt' || driver === 'host')
          byHost.set(hostName(name), byHost.has(hostName(name)) ? null : key)
      }
      const keys = new Set(workloads.map(({ key }) => key))
      for (const counts of [programs, calls]) for (const key of counts.keys()) if (!keys.has(key)) counts.delete(key)
    },
    alarms: (now) => alerts.evaluate(now),
  }
}

const hostName = (text: string): string => text.toLowerCase().replace(/\.$/, '')
