/** Personas that were proposed: what strangers are like, who they are, the least rules that fit, and a person's word on it. */
import { useQuery } from '@tanstack/react-query'
import { t } from 'i18next'
import { lazy, Suspense, useState } from 'react'
import { Link } from 'react-router'
import type { ProposalDetail, ProposalRecord } from '../../../../src/model/proposal.ts'
import { get } from '../../api/client.ts'
import { authoredWords } from '../../editor/rule-words.ts'
import { count } from '../../format.ts'
import type { Page, WorkloadRecord } from '../../nouns.ts'
import { Button } from '../../parts/button.tsx'
import { Ago, PersonaName, VerdictMark } from '../../parts/marks.tsx'
import { useHindrance } from '../../parts/rights.ts'
import { SkeletonRows } from '../../parts/states.tsx'
import { paths } from '../../paths.ts'
import type { Word } from './proposal-words.tsx'
import './proposals.css'

export const proposalsKey = ['proposals'] as const
const ProposalDialog = lazy(() => import('./proposal-words.tsx'))

const WORDS = ['accept', 'rename', 'merge', 'split', 'reject'] as const
const MOST_NAMES = 8

/** Nothing at all while nothing is proposed. */
export default function Proposals({ workloads }: { readonly workloads: readonly WorkloadRecord[] }) {
  const { data } = useQuery({
    queryKey: proposalsKey,
    queryFn: async ({ signal }) => (await get<Page<ProposalRecord>>('/v1/proposals?state=open', signal)).items,
    refetchInterval: 30_000,
  })
  if (data === undefined || data.length === 0) return null
  const names = new Map<string, string>(workloads.map(({ id, report }) => [id, report.name]))
  return (
    <section className="surface proposals" aria-labelledby="proposals-title">
      <div className="panel-head">
        <h2 id="proposals-title">{t('proposals.title')}</h2>
        <span className="q n">{count(data.length)}</span>
        <span className="proposals-lead q">{t('proposals.lead')}</span>
      </div>
      <ul>
        {data.map((one) => (
          <Proposal key={one.id} one={one} all={data} names={names} />
        ))}
      </ul>
    </section>
  )
}

type Names = ReadonlyMap<string, string>

function Proposal(props: {
  readonly one: ProposalRecord
  readonly all: readonly ProposalRecord[]
  readonly names: Names
}) {
  const { one, all, names } = props
  const hindrance = useHindrance(['operator', 'admin'])
  const [word, setWord] = useState<Word | null>(null)
  const [isOpen, setOpen] = useState(false)
  const [nearest] = one.nearest
  return (
    <li className="proposal" id={`proposal-${one.id}`} tabIndex={-1}>
      <div className="proposal-head">
        <h3>{one.name}</h3>
        <span className="q">
          {t('proposals.on', { count: one.workloads.length })} · {t('proposals.since')} <Ago at={one.createdAt} />
        </span>
      </div>
      <p className="proposal-because">
        {one.because.length === 0 ? t('proposals.noTrait') : `${one.because.join('; ')}.`}
      </p>
      <dl className="facts">
        <div>
          <dt>{t('proposals.who')}</dt>
          <dd>
            <Who one={one} names={names} />
          </dd>
        </div>
        {nearest === undefined ? null : (
          <div>
            <dt>{t('proposals.nearest')}</dt>
            <dd>
              <PersonaName name={nearest.persona} />{' '}
              <span className="q">{t('proposals.times', { times: nearest.distance.toFixed(1) })}</span>
            </dd>
          </div>
        )}
      </dl>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          {t('proposals.rules', { count: one.rules.length })}
          {one.leftOut.length === 0 ? '' : `, ${t('proposals.left', { count: one.leftOut.length })}`}
        </summary>
        {isOpen ? <Rules id={one.id} version={one.version} /> : null}
      </details>
      <div className="buttons">
        {WORDS.filter((each) => isPossible(each, one, all)).map((each) => (
          <Button
            key={each}
            size="xs"
            variant={each === 'accept' ? 'filled' : 'default'}
            disabled={hindrance !== null}
            title={hindrance ?? undefined}
            onClick={() => setWord(each)}
          >
            {t(`proposals.verb.${each}`)}
          </Button>
        ))}
      </div>
      {word === null ? null : (
        <Suspense>
          <ProposalDialog
            word={word}
            one={one}
            others={all.filter(({ id }) => id !== one.id)}
            names={names}
            hindrance={hindrance}
            onClose={() => setWord(null)}
          />
        </Suspense>
      )}
    </li>
  )
}

function isPossible(word: Word, one: ProposalRecord, all: readonly ProposalRecord[]): boolean {
  if (word === 'merge') return all.length > 1
  return word !== 'split' || one.workloads.length > 1
}

/** Those who show it best come first. */
function Who({ one, names }: { readonly one: ProposalRecord; readonly names: Names }) {
  const shown = new Set<string>(one.clusters.flatMap(({ exemplars }) => exemplars.map(({ workload }) => workload)))
  const order = [...one.workloads].sort((a, b) => Number(shown.has(b)) - Number(shown.has(a)))
  return (
    <>
      {order.slice(0, MOST_NAMES).map((id, i) => (
        <span key={id}>
          {i === 0 ? '' : ', '}
          <Link className="link quiet-link" to={paths.workload(id)}>
            {names.get(id) ?? id}
          </Link>
        </span>
      ))}
      {order.length > MOST_NAMES ? ` ${t('proposals.more', { count: order.length - MOST_NAMES })}` : null}
    </>
  )
}

function Rules({ id, version }: { readonly id: string; readonly version: number }) {
  const { data } = useQuery({
    queryKey: [...proposalsKey, id, version],
    queryFn: ({ signal }) => get<ProposalDetail>(`/v1/proposals/${encodeURIComponent(id)}`, signal),
  })
  if (data === undefined) return <SkeletonRows rows={3} />
  const rules = data.manifest.spec.profile?.rules ?? []
  return (
    <>
      {rules.length === 0 ? <p className="q">{t('proposals.noRules')}</p> : null}
      <ol className="persona-rules">
        {rules.map((rule, i) => {
          const evidence = data.rules[i]!
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: the order is what a rule is known by
            <li key={i}>
              <VerdictMark verdict="allow" />
              <span className="qq">{t(`rule.${rule.direction}`)}</span>
              <span>
                {isOutside(rule.peers) ? `${t('proposals.outside')}, ${portWords(rule)}` : authoredWords(rule)}
                <span className="sub">
                  {t('proposals.evidence', {
                    count: evidence.of,
                    n: count(evidence.workloads),
                    share: `${Math.round(evidence.flowShare * 100)} %`,
                  })}
                </span>
              </span>
            </li>
          )
        })}
      </ol>
      {data.leftOut.length === 0 ? null : (
        <>
          <h4>{t('proposals.leftTitle')}</h4>
          <ul className="proposal-left">
            {data.leftOut.map(({ what, why }) => (
              <li key={what}>
                {what}
                <span className="sub">{why}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

type Rule = Parameters<typeof authoredWords>[0]

/** Every address but the home networks, of both families. */
function isOutside(peers: Rule['peers']): boolean {
  return peers.every((peer) => 'cidr' in peer && (peer.cidr === '0.0.0.0/0' || peer.cidr === '::/0'))
}

function portWords(rule: Rule): string {
  return authoredWords({ ...rule, peers: [] }).replace(/^, /, '')
}
