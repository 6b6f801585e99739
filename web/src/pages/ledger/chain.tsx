/** Is the chain whole? Asked of the server, said plainly: verified with its head, or where it is broken and what that means. */
import { t } from 'i18next'
import { clockSeconds, count } from '../../format.ts'
import type { AuditRecord } from '../../nouns.ts'
import { Button } from '../../parts/button.tsx'
import { VerdictMark } from '../../parts/marks.tsx'
import { problemTitle } from '../../parts/problem.ts'
import { useVerify } from './queries.ts'
import { shortHash } from './record.ts'

export function Chain({ newest }: { readonly newest: AuditRecord | null }) {
  const query = useVerify()
  const { data, isFetching, error } = query
  const known = data !== undefined
  return (
    <section className={data?.ok === false ? 'surface chain broken' : 'surface chain'} aria-labelledby="chain">
      <h2 id="chain" className="vh">
        {t('ledger.chain.title')}
      </h2>
      <div role="status">
        {isFetching ? (
          <p>{t('ledger.chain.busy')}</p>
        ) : error !== null && data === undefined ? (
          <p className="wrong">{t('ledger.chain.failed', { why: problemTitle(error) })}</p>
        ) : data === undefined ? (
          <>
            <p>{t('ledger.chain.open')}</p>
            {newest === null ? null : (
              <p className="sub n">{t('ledger.chain.newest', { n: count(newest.n), hash: shortHash(newest.hash) })}</p>
            )}
          </>
        ) : data.ok ? (
          <>
            <p>
              <VerdictMark verdict="allow" word="" />{' '}
              <b className="name n">{t('ledger.chain.ok', { n: count(data.rows), hash: shortHash(data.head) })}</b>
            </p>
            <p className="sub n">{t('ledger.chain.okAt', { at: clockSeconds(data.answeredAt) })}</p>
          </>
        ) : (
          <Broken at={data.at} why={data.why} />
        )}
      </div>
      <Button variant="default" loading={isFetching} onClick={() => void query.refetch()}>
        {t(known ? 'ledger.chain.again' : 'ledger.chain.verify')}
      </Button>
    </section>
  )
}

function Broken({ at, why }: { readonly at: number; readonly why: string }) {
  return (
    <>
      <p>
        <VerdictMark verdict="deny" word="" />{' '}
        <b className="name n wrong">{t('ledger.chain.broken', { n: count(at), why: why.replace(/\.$/, '') })}</b>
      </p>
      <p className="sub">{t('ledger.chain.brokenMeans')}</p>
    </>
  )
}
