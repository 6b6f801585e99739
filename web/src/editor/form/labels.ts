/** What a place is called, and what it means. */
import { t } from 'i18next'
import type { Schema } from '../schema-words.ts'
import { spelled } from './shape.ts'

export function labelOf(key: string | number): string {
  const known: Readonly<Record<string, string>> = t('form.label', { returnObjects: true })
  return Object.hasOwn(known, key) ? known[key]! : spelled(String(key))
}

export function meaningOf(key: string | number, schema: Schema): string | null {
  const known: Readonly<Record<string, string>> = t('editor.means', { returnObjects: true })
  return schema.description ?? (Object.hasOwn(known, key) ? known[key]! : null)
}
