/** Workloads come, go and move while a generation is in force: it follows them, and stays the same generation. */
import { compileDelta } from '../compile/delta.ts'
import { dressingOf } from './converge.ts'
import type { FacetPart } from './facet.ts'
import { applyText } from './nft.ts'
import { compileSnapshot, type Inventory, type Placed } from './snapshot.ts'
import { bindingsOf, isThere, leftBehind, snapshotOf, uncarried, undressed } from './snapshot-of.ts'
import type { Standing } from './standing.ts'

export type Following = {
  /** The rules, on the workloads there are now. Throws what keeps it from that. */
  rebind(): Promise<void>
  /** Does that in every turn until the inventory is followed, and says what keeps it from that. */
  keepUp(): Promise<void>
  /** Whoever came, was started or moved after the change puts on what it should wear, and what was left behind comes off; says what keeps it from that. */
  dress(): Promise<void>
}

export function createFollowing(at: Standing): Following {
  const { options, counters, written, clock } = at
  let followed: Inventory | null = null
  const [rules, clothes] = [sayOnce(options.say), sayOnce(options.say)]

  async function rebind(): Promise<void> {
    if (at.pending !== null || at.current.state === null || at.generation === null) return
    const inventory = options.inventory()
    const bindings = bindingsOf(inventory, at.current.state)
    if (JSON.stringify(bindings) !== JSON.stringify(at.current.bindings)) {
      const [before, after] = [at.current, { ...at.current, bindings }]
      const text = compileDelta(compileSnapshot(before), compileSnapshot(after)!, { pendingMs: null, now: clock() })
      const live = await at.carrying.begin(before, after)
      written.mustCommit(at.generation, after)
      at.current = after
      await applyText(text + live).catch(() => at.hold(after))
    }
    followed = inventory
  }

  async function takeOff(part: FacetPart, { place, original }: Placed): Promise<void> {
    await part.converge(place, original).catch(async (error: Error) => {
      // What went with its link needs nothing taken off.
      if (!(await isThere(part, place))) return
      counters.unreachable++
      options.say(`could not take ${part.facet} of ${place.key} off ${place.face}: ${error.message}`)
    })
  }

  return {
    rebind,
    async keepUp() {
      if (options.inventory() === followed) return
      // Again in the next turn: the inventory may not change a second time.
      await rebind().then(rules.forget, (error: Error) => {
        counters.unreachable++
        rules.say(`what came, went or moved is not followed yet: ${error.message}`)
      })
    },
    async dress() {
      const before = at.current
      const [fresh, left] = [undressed(before, options.inventory()), leftBehind(before, options.inventory())]
      if (fresh.length + left.length === 0 || before.state === null || at.generation === null) return
      try {
        const why = uncarried(before.state, options.inventory())
        if (why !== null) throw new Error(why)
        const after = await snapshotOf(before.state, options.inventory(), before, clock())
        if (JSON.stringify(after.facets) === JSON.stringify(before.facets)) return
        // First of all of them, since one may have the link of another now; and while the journal knows where it is.
        for (const { part, placed } of left) await takeOff(part, placed)
        written.mustCommit(at.generation, after)
        at.current = after
        for (const { part, to } of dressingOf(before, after)) await part.converge(to.place, to.state)
        clothes.forget()
      } catch (error) {
        counters.unreachable++
        const keys = new Set([...fresh, ...left.map(({ placed }) => placed.place.key)])
        clothes.say(`${[...keys].slice(0, 3).join(', ')} cannot be dressed yet: ${(error as Error).message}`)
      }
    },
  }
}

/** What is tried in every turn is told when it is something else than in the last one. */
function sayOnce(say: (line: string) => void) {
  let last = ''
  return {
    say(words: string) {
      if (words !== last) say(words)
      last = words
    },
    forget() {
      last = ''
    },
  }
}
