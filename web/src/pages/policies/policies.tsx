/** Policies. */
import { t } from 'i18next'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

export default function Policies() {
  return <PageHead title={t('nav.policies')} heading={t('policies.heading')} crumbs={[{ name: t('nav.policies') }]} />
}
