/**
 * What other sensors tell of processes: a line of Tetragon's export, of Falco's alerts or of audit.log comes in, what it says
 * goes out in one shape, with all that may tell whose it is. Nothing in a line is taken for granted: it is written by
 * programs about programs, some of them an attacker's. `sensorRows` lets such a log be followed like any other.
 */
import type { FlowBatch } from '../../model/flow.ts'
import type { LineRows, Refused } from '../sources/line-rows.ts'

/** Whose it is, as far as the sensor knows; the agent finds the workload, or counts it as nobody's. */
export type Whose = {
  /** Hex, 12 characters and more; it may be the beginning of the id. */
  readonly container: string | null
  /** The process, then its parent, in the numbers of the sensor's host. */
  readonly pids: readonly number[]
  /** What the sensor calls its host. */
  readonly host: string | null
}
export type SensorEvent =
  | { readonly kind: 'program'; readonly whose: Whose }
  | { readonly kind: 'call'; readonly whose: Whose }
  | {
      readonly kind: 'alert'
      readonly whose: Whose
      /** epoch ms */
      readonly at: number
      readonly sensor: string
      readonly rule: string
      /** 1 = worst, as Suricata counts. */
      readonly severity: 1 | 2 | 3
    }
  /** The sensor says itself that it had no room for so many. */
  | { readonly kind: 'lost'; readonly events: number }

export type SensorReader = {
  take(line: string, give: (event: SensorEvent) => void): Refused
  /** Lines that are not for us, kind → how many. */
  readonly passed: Map<string, number>
}
export type SensorFigures = { events: number; lost: number }

export function sensorRows(reader: SensorReader, figures: SensorFigures, told: (event: SensorEvent) => void): LineRows {
  const give = (event: SensorEvent) => {
    if (event.kind === 'lost') figures.lost += event.events
    else {
      figures.events++
      told(event)
    }
  }
  return {
    take: (_batch: FlowBatch, bytes, from, to) =>
      from === to ? null : reader.take(bytes.toString('utf8', from, to), give),
    passed: reader.passed,
  }
}

/** `docker://`, `containerd://` and the like before it are left out. */
export function containerOf(text: string): string | null {
  const id = /^(?:[a-z][a-z0-9.+-]{0,30}:\/\/)?([0-9a-f]{12,64})$/.exec(text)
  return id === null ? null : id[1]!
}

/** Process numbers that can be (proc(5): pid_max is at most 2^22). */
export function pidsOf(...numbers: readonly number[]): readonly number[] {
  return numbers.filter((pid) => Number.isInteger(pid) && pid > 0 && pid <= 2 ** 22)
}
