/** i18next with the one language there is; keys are typed from it, so a missing word does not compile. */
import i18next from 'i18next'
import type { formWords } from '../editor/form/form-words.ts'
import type { words as editor } from '../editor/words.ts'
import type { forecastWords } from '../forecast/words.ts'
import type { words as activity } from '../pages/activity/words.ts'
import type { words as agents } from '../pages/agents/words.ts'
import type { words as fleet } from '../pages/fleet/words.ts'
import type { words as ledger } from '../pages/ledger/words.ts'
import type { words as models } from '../pages/models/words.ts'
import type { mapWords } from '../pages/personas/map-words.ts'
import type { words as personas } from '../pages/personas/words.ts'
import type { backWords } from '../pages/plans/back-words.ts'
import type { words as plans } from '../pages/plans/words.ts'
import type { words as policies } from '../pages/policies/words.ts'
import type { words as secrets } from '../pages/secrets/words.ts'
import type { words as sources } from '../pages/sources/words.ts'
import type { words as topology } from '../pages/topology/words.ts'
import type { driftWords } from '../pages/workload/drift-words.ts'
import type { usageWords } from '../pages/workload/usage-words.ts'
import type { words as workload } from '../pages/workload/words.ts'
import { en } from './en.ts'
import type { shared } from './shared.ts'

/** Words of a page load with the page (`addWords`), so that the shell stays small; each under its page's own name. */
type PageWords = typeof shared &
  typeof editor &
  typeof formWords &
  typeof forecastWords &
  typeof activity &
  typeof fleet &
  typeof workload &
  typeof driftWords &
  typeof usageWords &
  typeof agents &
  typeof ledger &
  typeof models &
  typeof personas &
  typeof mapWords &
  typeof plans &
  typeof backWords &
  typeof policies &
  typeof secrets &
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
    // A table asks for hundreds of words at once: no key has a namespace in it.
    nsSeparator: false,
    fallbackLng: false,
    // A page that forgot its words is an error in the browser's console, and so in its tests.
    saveMissing: true,
    missingKeyHandler: (_languages, _namespace, key) => console.error(`no words for ${key}`),
  })
}

/** Once, at the top of a page's module: `addWords(words)`. */
export function addWords(words: Partial<PageWords>): void {
  i18next.addResourceBundle('en', 'translation', words, true)
}
