/** What interleaved rounds measure under one name. */
import { percentile } from '../report.ts'

/** Medians, and the least: what the machine's other work adds shows between the two. */
export type Timing = {
  readonly ms: number
  readonly least_ms: number
  readonly cpu_ms: number
  readonly kernel_ms: number
}

export const median = (values: readonly number[]) => round(percentile(values, 50))
export const round = (value: number) => Math.round(value * 1_000) / 1_000

export class Times {
  readonly ms: number[] = []
  readonly cpuMs: number[] = []
  readonly kernelMs: number[] = []
  add(more: Partial<Record<'ms' | 'cpuMs' | 'kernelMs', readonly number[]>>): void {
    this.ms.push(...(more.ms ?? []))
    this.cpuMs.push(...(more.cpuMs ?? []))
    this.kernelMs.push(...(more.kernelMs ?? []))
  }
  get timing(): Timing {
    const least_ms = round(Math.min(...this.ms))
    return { ms: median(this.ms), least_ms, cpu_ms: median(this.cpuMs), kernel_ms: median(this.kernelMs) }
  }
}
