/**
 * Makes ready what packages a state asks for, before it is applied. A newer state does not wait for it: the older one is
 * then refused, what was begun goes on, and the next try finds it done.
 */
import { makeReady } from '../enforce/facets/packages/make-ready.ts'
import { keepOnlyReady } from '../enforce/facets/packages/record.ts'
import type { Inventory } from '../enforce/snapshot.ts'
import type { AgentState } from '../model/desired.ts'

export type PackageKeeper = {
  readonly counters: { prepared: number; abandoned: number; failed: number }
  /** Never throws: what is not ready has its state refused by the part that needs it. Resolves when everything is ready, or could not be made so, or `overtaken` says that nobody waits any more. */
  bring(state: AgentState, overtaken: AbortSignal): Promise<void>
}

export function createPackageKeeper(deps: {
  readonly home: string
  readonly inventory: () => Inventory
  /** The packages that the host's floor lists. */
  readonly allowed: () => readonly string[]
  readonly say: (line: string) => void
}): PackageKeeper {
  const counters = { prepared: 0, abandoned: 0, failed: 0 }
  /** One at a time for a workload: apt locks its root. */
  const running = new Map<string, Promise<void>>()

  const prepare = (key: string, wish: NonNullable<AgentState['workloads'][number]['packages']>): Promise<void> => {
    const { namespaces, places } = deps.inventory()
    const root = places?.get(key)?.root
    if (root === undefined) return Promise.resolve()
    const spot = { key, namespace: namespaces.get(key) ?? null, root: root ?? null }
    const mine = (running.get(key) ?? Promise.resolve()).then(async () => {
      try {
        await makeReady(spot, wish, deps.home, deps.allowed())
        counters.prepared++
      } catch (error) {
        counters.failed++
        deps.say(`packages of ${key} could not be made ready: ${(error as Error).message}`)
      }
    })
    running.set(key, mine)
    return mine
  }
  return {
    counters,
    async bring(state, overtaken) {
      const asking = state.workloads.flatMap(({ key, packages }) => (packages === undefined ? [] : [{ key, packages }]))
      try {
        keepOnlyReady(
          deps.home,
          asking.map(({ key }) => key),
        )
      } catch (error) {
        deps.say(`what is no longer asked for could not be removed: ${(error as Error).message}`)
      }
      const all = Promise.all(asking.map(({ key, packages }) => prepare(key, packages)))
      const left = new Promise<'left'>((resolve) => {
        if (overtaken.aborted) resolve('left')
        overtaken.addEventListener('abort', () => resolve('left'), { once: true })
      })
      if ((await Promise.race([all, left])) === 'left') counters.abandoned++
    },
  }
}
