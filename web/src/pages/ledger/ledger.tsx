/** Ledger. */
import { t } from 'i18next'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

export default function Ledger() {
  return <PageHead title={t('nav.ledger')} heading={t('ledger.heading')} crumbs={[{ name: t('nav.ledger') }]} />
}
