/** Back to a generation: what every workload wore then against what is in force now, and one question before it is made a plan. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { lazy, Suspense, useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { ProblemError, post } from '../../api/client.ts'
import { plansChanged } from '../../api/queries.ts'
import { countdown } from '../../format.ts'
import type { PlanPreview, PlanSummary } from '../../nouns.ts'
import { HinderedButton } from '../../parts/button.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { ReasonField } from '../../parts/reason-field.tsx'
import { OPERATORS, useHindrance } from '../../parts/rights.ts'
import { Empty } from '../../parts/states.tsx'
import { say } from '../../parts/toast.tsx'
import { paths } from '../../paths.ts'
import { useKeys } from '../../shell/keys.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { backWords } from './back-words.ts'
import { Blast } from './blast.tsx'
import { Changes } from './diff.tsx'
import './plan.css'
import { useLookBack } from './queries.ts'
import { words } from './words.ts'

addWords(words)
addWords(backWords)

const ConfirmDialog = lazy(() => import('../../parts/confirm-dialog.tsx'))

export default function PlanBack() {
  const { generation = '' } = useParams()
  const query = useLookBack(generation)
  const problem = query.error instanceof ProblemError ? query.error.problem : null
  const crumbs = [{ name: t('nav.plans'), to: paths.plans() }, { name: t('planBack.crumb', { n: generation }) }]
  const title = t('planBack.title', { n: generation })
  // What the server refuses with its reason is an answer; only what it could not answer is asked again.
  if (query.data === undefined && problem !== null && problem.status >= 400 && problem.status < 500) {
    return (
      <>
        <PageHead title={title} heading={title} crumbs={crumbs} />
        <div className="surface">
          <Empty title={problem.detail ?? problem.title}>
            <p>
              {problem.cure}{' '}
              <Link className="link" to={paths.plans()}>
                {t('planPage.all')}
              </Link>
            </p>
          </Empty>
        </div>
      </>
    )
  }
  return (
    <>
      {query.data === undefined ? <PageHead title={title} heading={title} crumbs={crumbs} /> : null}
      <Loaded query={query} what={t('planBack.part')} rows={10}>
        {(look) => <Known look={look} />}
      </Loaded>
    </>
  )
}

function Known({ look }: { readonly look: PlanPreview }) {
  const [asks, setAsks] = useState(false)
  const hindrance = useHindrance(OPERATORS)
  const n = look.generation
  const title = t('planBack.title', { n })
  const ask = () => hindrance === null && setAsks(true)
  useKeys({ r: ask })
  return (
    <div className="plan-page">
      <p className="eyebrow qq n">{t('planBack.eyebrow', { from: look.in_force, to: n })}</p>
      <PageHead
        title={title}
        heading={title}
        lead={[
          t('planPage.changes', { count: look.blast_radius.workloads }),
          t('planPage.cuts', { count: look.blast_radius.conversationsCut }),
          t('planBack.nothingYet'),
        ].join(' ')}
        crumbs={[{ name: t('nav.plans'), to: paths.plans() }, { name: t('planBack.crumb', { n }) }]}
        actions={
          <div className="plan-buttons">
            <HinderedButton hindrance={hindrance} aria-keyshortcuts="r" onClick={ask}>
              {t('planBack.act')}{' '}
              <span aria-hidden="true">
                <kbd>R</kbd>
              </span>
            </HinderedButton>
          </div>
        }
      />
      <div className="plan-columns after-head">
        <div className="plan-main">
          <Changes plan={look} />
        </div>
        <div className="plan-side">
          <Blast radius={look.blast_radius} />
          <Follows look={look} />
        </div>
      </div>
      {asks ? (
        <Suspense>
          <Asking look={look} hindrance={hindrance} onClose={() => setAsks(false)} />
        </Suspense>
      ) : null}
    </div>
  )
}

function Follows({ look }: { readonly look: PlanPreview }) {
  return (
    <section className="surface" aria-labelledby="follows">
      <div className="panel-head">
        <h2 id="follows">{t('planBack.follows.title')}</h2>
        <span className="right qq">{t(`planPage.approvals.needs.${look.approval}`)}</span>
      </div>
      <ul className="follows">
        <li>{t('planPage.approvals.asks', { words: look.approval_words })}</li>
        <li>{t('planBack.follows.timer', { left: countdown(look.rollback_within_ms, 0) })}</li>
        <li>{t('planBack.follows.keeps')}</li>
        <li>{t('planBack.follows.held')}</li>
      </ul>
    </section>
  )
}

function Asking(props: {
  readonly look: PlanPreview
  readonly hindrance: string | null
  readonly onClose: () => void
}) {
  const { look } = props
  const client = useQueryClient()
  const go = useNavigate()
  const [why, setWhy] = useState('')
  const n = look.generation
  const act = async () => {
    const said = why.trim() === '' ? t('planPage.done.byHand') : why.trim()
    const answer = await post<PlanSummary>('/v1/plans/rollback', { to: n, why: said })
    say(t('planBack.done', { n, plan: answer.plan.generation.n }))
    plansChanged(client)
    void go(paths.plan(answer.plan.id))
  }
  return (
    <ConfirmDialog
      title={t('planBack.dialog.title', { n })}
      verb={t('planBack.dialog.verb')}
      hindrance={props.hindrance}
      act={act}
      onClose={props.onClose}
    >
      <p>
        {t('planPage.changes', { count: look.blast_radius.workloads })}{' '}
        {t('planPage.cuts', { count: look.blast_radius.conversationsCut })} {t('planBack.dialog.says')}
      </p>
      <ReasonField label={t('planBack.dialog.why')} value={why} onWrite={setWhy} maxLength={400} />
    </ConfirmDialog>
  )
}
