import { openJournal } from '../../src/enforce/journal.ts'

/** An address that was changed is there until nobody uses it any more, so no look before that is the last one. */
export function lingers(home: string): boolean {
  const { draining = [] } = (openJournal(home).confirmed()?.snapshot ?? {}) as {
    readonly draining?: readonly unknown[]
  }
  return draining.length > 0
}
