/** Personas. */
import { t } from 'i18next'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

export default function Personas() {
  return <PageHead title={t('nav.personas')} heading={t('personas.heading')} crumbs={[{ name: t('nav.personas') }]} />
}
