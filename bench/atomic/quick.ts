/** A handful of deaths, one of each kind, for a run within a minute: `bench -- atomic --quick` and `npm test`. */
import type { Trial } from './trial.ts'

type Quick = Omit<Trial, 'to'> & { readonly leaves: 'before' | 'after' | 'either' }

const one = (line: string, leaves: Quick['leaves'], ending: Trial['ending'] = 'confirm'): Quick => ({
  faults: [line],
  victim: line.startsWith('supervisor') ? 'supervisor' : 'worker',
  ending,
  leaves,
})
/** Everything is done and nothing is confirmed: the longest way back. */
const DONE = 'source-switched'

export const QUICK: readonly Quick[] = [
  one('worker:intent-written>ip#1/after', 'before'),
  one('supervisor:nft-sent', 'before'),
  // The one commit point is that the record has its name.
  one('worker:before-commit>rename#1/before', 'before'),
  one('worker:before-commit>rename#1/after', 'after'),
  one('supervisor:committed', 'after'),
  one('worker:reverted', 'before', 'rollback'),
  {
    faults: [`worker:${DONE}`, 'supervisor:undo-begun>nft#1/after'],
    victim: 'supervisor',
    ending: 'confirm',
    leaves: 'before',
  },
  {
    faults: [`supervisor:${DONE}`, 'worker:recovery-begun>ip#1/after'],
    victim: 'supervisor',
    ending: 'confirm',
    leaves: 'before',
  },
  { faults: [], victim: 'both', afterShare: 0.5, ending: 'confirm', leaves: 'either' },
]
