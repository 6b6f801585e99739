/** What the selectors of a policy stand for now: its subjects by name, and each peer as addresses and whose they are. */
import { t } from 'i18next'
import { Link } from 'react-router'
import type { ResolvedPeer } from '../../../../src/model/preview.ts'
import { useResolved } from '../../editor/questions.ts'
import { count } from '../../format.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Block } from '../../parts/peek.tsx'
import { paths } from '../../paths.ts'

const MOST = 60

export function Stands({ id }: { readonly id: string }) {
  return (
    <Loaded query={useResolved(id)} what={t('policies.stands.what')} rows={4}>
      {({ subjects, rules }) => (
        <section className="surface stands" aria-labelledby="stands-title">
          <h2 id="stands-title" className="vh">
            {t('policies.tabs.stands')}
          </h2>
          <Block title={t('policies.stands.subjects')}>
            {subjects.total === 0 ? (
              <p>{t('policies.stands.everyone')}</p>
            ) : (
              <>
                <p>{t('policies.aboutIs', { count: subjects.total, n: count(subjects.total) })}</p>
                <Names list={subjects.workloads} total={subjects.total} />
              </>
            )}
          </Block>
          {rules.map((rule) => (
            <Block key={rule.index} title={`${t('policies.stands.rule', { n: rule.index + 1 })}: ${rule.text}`}>
              {rule.peers.map((peer) => (
                <Peer key={`${peer.text}${peer.outside}`} peer={peer} />
              ))}
            </Block>
          ))}
        </section>
      )}
    </Loaded>
  )
}

function Peer({ peer }: { readonly peer: ResolvedPeer }) {
  const { text, set, outside, total, addresses, workloads } = peer
  if (set === null) return <p className="mono">{text}</p>
  return (
    <div className="peer">
      <span className="mono cut">{outside ? t('policies.stands.outside', { set: text }) : text}</span>
      {total === 0 ? (
        <span className="q">{t('policies.stands.nobody')}</span>
      ) : (
        <div>
          <span className="n">{t('policies.stands.addresses', { count: total, n: count(total) })}</span>
          {workloads.length > 0 ? (
            <Names list={workloads} total={workloads.length} />
          ) : (
            <p className="sub names mono">
              {addresses.slice(0, MOST).join(', ')}
              {total > MOST ? ` ${t('policies.stands.more', { n: count(total - MOST) })}` : ''}
            </p>
          )}
        </div>
      )}
    </div>
  )
}

function Names({
  list,
  total,
}: {
  readonly list: readonly { readonly id: string; readonly name: string }[]
  readonly total: number
}) {
  return (
    <p className="sub names">
      {list.slice(0, MOST).map((one, i) => (
        <span key={one.id}>
          {i === 0 ? '' : ', '}
          <Link className="link quiet-link" to={paths.workload(one.id)}>
            {one.name}
          </Link>
        </span>
      ))}
      {total > MOST ? ` ${t('policies.stands.more', { n: count(total - MOST) })}` : ''}
    </p>
  )
}
