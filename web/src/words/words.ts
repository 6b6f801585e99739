/** i18next with the one language there is; keys are typed from it, so a missing word does not compile. */
import i18next from 'i18next'
import type { words as agents } from '../pages/agents/words.ts'
import type { words as ledger } from '../pages/ledger/words.ts'
import type { words as personas } from '../pages/personas/words.ts'
import type { words as plans } from '../pages/plans/words.ts'
import type { words as policies } from '../pages/policies/words.ts'
import type { words as sources } from '../pages/sources/words.ts'
import type { words as topology } from '../pages/topology/words.ts'
import type { words as parts } from '../parts/words.ts'
import { en } from './en.ts'

/** Words of a page load with the page (`addWords`), so that the shell stays small; each under its page's own name. */
type PageWords = typeof parts &
  typeof agents &
  typeof ledger &
  typeof personas &
  typeof plans &
  typeof policies &
  typeof sources &
  typeof topology

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en & PageWords }
    returnNull: false
  }
}

export function initWords(): void {
  void i18next.init({
    lng: 'en',
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false },
  })
}

/** Once, at the top of a page's module: `addWords(words)`. */
export function addWords(words: Partial<PageWords>): void {
  i18next.addResourceBundle('en', 'translation', words, true)
}
