/** One plan: what exactly will change, whom it touches, who must say yes, how long is left, and the way back. */
import { t } from 'i18next'
import { useEffect, useRef, useState } from 'react'
import { Link, useParams } from 'react-router'
import { ProblemError } from '../../api/client.ts'
import { useAgents } from '../../api/queries.ts'
import type { PlanPreview, ShiftState } from '../../nouns.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { useNow } from '../../parts/now.ts'
import { Empty } from '../../parts/states.tsx'
import { paths } from '../../paths.ts'
import { sentence } from '../../sentence.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { Actions } from './actions.tsx'
import { Blast } from './blast.tsx'
import { Countdown } from './countdown.tsx'
import { Diff } from './diff.tsx'
import './plan.css'
import { buildSteps, isEnd } from './progress.ts'
import { usePlanAudit, usePreview } from './queries.ts'
import { Agents, Approvals, LeftOut, WhyPlan } from './side.tsx'
import { Stepper } from './stepper.tsx'
import { probesOf, useTimer } from './timer.ts'
import { words } from './words.ts'

addWords(words)

export default function Plan() {
  const { id = '' } = useParams()
  const query = usePreview(id)
  const crumbs = [{ name: t('nav.plans'), to: paths.plans() }, { name: id }]
  const gone = query.error instanceof ProblemError && query.error.problem.status === 404
  if (gone) {
    return (
      <>
        <PageHead title={id} heading={t('planPage.gone', { id })} crumbs={crumbs} />
        <Empty title={t('planPage.goneWhy')}>
          <p>
            <Link className="link" to={paths.plans()}>
              {t('planPage.all')}
            </Link>
          </p>
        </Empty>
      </>
    )
  }
  return (
    <>
      {query.data === undefined ? <PageHead title={id} heading={id} crumbs={crumbs} /> : null}
      <Loaded query={query} what={t('planPage.part')} rows={10}>
        {(plan) => <Known key={plan.id} plan={plan} />}
      </Loaded>
    </>
  )
}

function Known({ plan }: { readonly plan: PlanPreview }) {
  const agents = useAgents().data ?? []
  const audit = usePlanAudit(plan).data ?? []
  const timer = useTimer(plan, agents)
  const minute = Math.floor(useNow() / 60_000) * 60_000
  const probes = probesOf(plan, agents)
  const passed = probes.filter((probe) => probe.ok).length
  const actions = <Actions plan={plan} timer={timer} probes={probes} />
  const generations = { id: plan.id, from: plan.from_generation, to: plan.generation }
  const counts = plan.steps.length > 0 || plan.blast_radius.workloads > 0
  return (
    <div className="plan-page">
      <p className="eyebrow qq n">
        {t(plan.from_generation === null ? 'planPage.eyebrowFirst' : 'planPage.eyebrow', generations)}
      </p>
      <PageHead
        title={plan.title}
        heading={plan.title}
        lead={[
          plan.steps[0] === undefined ? '' : sentence(plan.steps[0].why[0].text),
          counts ? t('planPage.changes', { count: plan.blast_radius.workloads }) : '',
          t('planPage.cuts', { count: plan.blast_radius.conversationsCut }),
        ].join(' ')}
        crumbs={[{ name: t('nav.plans'), to: paths.plans() }, { name: String(plan.generation) }]}
        actions={timer === null ? actions : undefined}
      />
      <Outcome state={plan.state} generation={plan.generation} />
      <Stepper steps={buildSteps(plan, audit, { passed, all: probes.length }, minute)} />
      {timer === null ? null : (
        <Countdown plan={plan} timer={timer} probes={probes}>
          {actions}
        </Countdown>
      )}
      <div className="plan-columns">
        <div className="plan-main">
          <Diff plan={plan} />
          <LeftOut plan={plan} />
        </div>
        <div className="plan-side">
          <Blast radius={plan.blast_radius} />
          <Approvals plan={plan} />
          <Agents plan={plan} />
          <WhyPlan plan={plan} />
        </div>
      </div>
    </div>
  )
}

/** Said once when it changes while somebody is here: politely, and at once when it was undone. */
function Outcome({ state, generation }: { readonly state: ShiftState; readonly generation: number }) {
  const before = useRef(state)
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (before.current === state) return
    before.current = state
    if (state === 'applying' || state === 'confirmed' || isEnd(state))
      setSaid(t(`planPage.outcome.${state}`, { n: generation }))
  }, [state, generation])
  return (
    <p className="vh" role={isEnd(state) ? 'alert' : 'status'}>
      {said}
    </p>
  )
}
