/** An address that leads nowhere says so, and where to go. */
import { t } from 'i18next'
import { Link } from 'react-router'
import { paths } from '../paths.ts'
import { PageHead } from '../shell/page.tsx'

export default function Missing() {
  return (
    <>
      <PageHead title={t('missing.title')} heading={t('missing.heading')} crumbs={[{ name: t('missing.title') }]} />
      <p className="lead">
        {t('missing.lead')}{' '}
        <Link className="link" to={paths.fleet()}>
          {t('missing.go')}
        </Link>
      </p>
    </>
  )
}
