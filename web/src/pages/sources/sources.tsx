/** Sources. */
import { t } from 'i18next'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

export default function Sources() {
  return <PageHead title={t('nav.sources')} heading={t('sources.heading')} crumbs={[{ name: t('nav.sources') }]} />
}
