/** Topology. */
import { t } from 'i18next'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

export default function Topology() {
  return <PageHead title={t('nav.topology')} heading={t('topology.heading')} crumbs={[{ name: t('nav.topology') }]} />
}
