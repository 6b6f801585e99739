/**
 * Where automation stands still, and by whose word: a cap that was broken, a generation that a person went back to. Kept in
 * the settings, so that a restart forgets neither; each change is a line of the ledger and an event.
 */
import type { EventHub } from '../api/events.ts'
import type { TenantId } from '../model/ids.ts'
import type { Settings } from '../model/records.ts'
import type { Store } from '../model/store.ts'
import type { Outcome, Why } from '../model/why.ts'

export type Halts = {
  trip(why: Why): Promise<void>
  pin(generation: number, by: string, why: string): Promise<void>
  /** Ends both. Refused when neither is. */
  resume(by: string, why: string): Promise<Outcome<null>>
}

/** Others may write the settings at the same time; more than this often nobody does. */
const TRIES = 5

export function createHalts(deps: {
  readonly tenant: TenantId
  readonly store: Store
  readonly events: EventHub
  readonly clock: () => number
}): Halts {
  const { tenant, store, events, clock } = deps

  async function write(
    action: string,
    by: string,
    summary: string,
    change: (settings: Settings) => Settings | null,
  ): Promise<boolean> {
    for (let i = 0; i < TRIES; i++) {
      const changed = change(await store.settings.get(tenant))
      if (changed === null) return false
      const audit = { actor: by, action, object: 'automation', summary }
      if (!(await store.settings.put(tenant, changed, audit)).ok) continue
      events.publish(tenant, { type: 'audit', subject: 'automation', data: { action, summary, at: clock() } })
      return true
    }
    throw new Error(`${action}: the settings were changed by somebody else ${TRIES} times in a row`)
  }

  return {
    async trip(why) {
      await write('automation.trip', 'guise', why.text, (settings) =>
        (settings.tripped ?? null) === null ? { ...settings, tripped: { at: clock(), by: 'guise', why } } : null,
      )
    },
    async pin(generation, by, why) {
      const reason = { rule: `pinned/${generation}`, text: `held at generation ${generation}: ${why}`.slice(0, 500) }
      await write('automation.pin', by, reason.text, (settings) => ({
        ...settings,
        pinned: { at: clock(), by, why: reason, generation },
      }))
    },
    async resume(by, why) {
      const isHalted = ({ tripped, pinned }: Settings) => (tripped ?? null) !== null || (pinned ?? null) !== null
      const done = await write('automation.resume', by, why, (settings) =>
        isHalted(settings) ? { ...settings, tripped: null, pinned: null } : null,
      )
      return done
        ? { ok: true, value: null }
        : { ok: false, code: 'not-halted', why: 'Automation does not stand still.', cure: 'Nothing needs doing.' }
    },
  }
}
