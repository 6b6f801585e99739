/** Agents. */
import { t } from 'i18next'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

export default function Agents() {
  return <PageHead title={t('nav.agents')} heading={t('agents.heading')} crumbs={[{ name: t('nav.agents') }]} />
}
