/** Plans. */
import { t } from 'i18next'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

export default function Plans() {
  return <PageHead title={t('nav.plans')} heading={t('plans.heading')} crumbs={[{ name: t('nav.plans') }]} />
}
