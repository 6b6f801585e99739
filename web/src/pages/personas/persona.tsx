/** One persona. */
import { t } from 'i18next'
import { useParams } from 'react-router'
import { paths } from '../../paths.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

export default function Persona() {
  const { id = '' } = useParams()
  return <PageHead title={id} heading={id} crumbs={[{ name: t('nav.personas'), to: paths.personas() }, { name: id }]} />
}
