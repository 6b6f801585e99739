/** Round-trip times and retransmissions, as a source: one namespace of the inventory a tick, since they change slowly. */
import { TICK_MS } from '../model/window.ts'
import type { SocketSum } from '../observe/sources/sock-diag.ts'
import { sockDiagIn } from '../observe/sources/sock-diag-in.ts'
import { sampledHealth } from './source-health.ts'
import type { OwnSource } from './sources.ts'

export type SocketSamples = { readonly source: OwnSource; readonly failed: number; close(): void }

export function sampleSockets(
  /** Path by the key of the workload that lives there. */
  namespaces: () => ReadonlyMap<string, string>,
  take: (key: string, sums: readonly SocketSum[]) => void,
): SocketSamples {
  let [turn, sampled, failed] = [0, 0, 0]
  const sampleNext = async () => {
    const spaces = [...namespaces()]
    const next = spaces[turn++ % Math.max(1, spaces.length)]
    if (next === undefined) return
    const [key, path] = next
    const sums = await sockDiagIn(path)
    if (sums.ok) {
      sampled++
      take(key, sums.value)
    } else failed++
  }
  const sampling = setInterval(() => void sampleNext(), TICK_MS)
  return {
    source: {
      name: 'sock_diag',
      kind: 'sock-diag',
      quiet: 'no namespace to look into: the inventory names none',
      measure: () => sampledHealth(sampled, failed),
      reduced: () => 0,
    },
    get failed() {
      return failed
    },
    close: () => clearInterval(sampling),
  }
}
