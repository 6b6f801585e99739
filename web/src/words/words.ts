/** i18next with the one language there is; keys are typed from it, so a missing word does not compile. */
import i18next from 'i18next'
import { en } from './en.ts'

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en }
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
