/** The pages of the navigation, in the order of the sentence; the bar, the palette and the key map read this table. */
import type { IconName } from './parts/icon.tsx'
import { paths } from './paths.ts'

export type PageName =
  | 'fleet'
  | 'topology'
  | 'activity'
  | 'sources'
  | 'personas'
  | 'policies'
  | 'plans'
  | 'agents'
  | 'secrets'
  | 'ledger'
export type Group = 'observe' | 'learn' | 'decide' | 'enforce'

export type NavPage = {
  readonly name: PageName
  readonly group: Group
  readonly to: string
  readonly icon: IconName
  readonly keys: string
}

export const PAGES: readonly NavPage[] = [
  { name: 'fleet', group: 'observe', to: paths.fleet(), icon: 'fleet', keys: 'g f' },
  { name: 'topology', group: 'observe', to: paths.topology(), icon: 'topology', keys: 'g t' },
  { name: 'activity', group: 'observe', to: paths.activity(), icon: 'activity', keys: 'g a' },
  { name: 'sources', group: 'observe', to: paths.sources(), icon: 'source', keys: 'g s' },
  { name: 'personas', group: 'learn', to: paths.personas(), icon: 'persona', keys: 'g e' },
  { name: 'policies', group: 'decide', to: paths.policies(), icon: 'policy', keys: 'g o' },
  { name: 'plans', group: 'decide', to: paths.plans(), icon: 'plan', keys: 'g p' },
  { name: 'agents', group: 'enforce', to: paths.agents(), icon: 'agent', keys: 'g h' },
  { name: 'secrets', group: 'enforce', to: paths.secrets(), icon: 'secret', keys: 'g k' },
  { name: 'ledger', group: 'enforce', to: paths.ledger(), icon: 'ledger', keys: 'g l' },
]
