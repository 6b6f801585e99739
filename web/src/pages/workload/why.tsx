/** Why: the sentence, the terms with the sum written out, where it is written, when it ends, what would have changed it. */
import { t } from 'i18next'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { type ConversationRow, useShifts } from '../../api/queries.ts'
import { bytes, clock, count, deadline, duration, plain, probability, signed } from '../../format.ts'
import type { DesiredState, PlanRecord, Reason, WorkloadRecord } from '../../nouns.ts'
import { boundWords, heldAs } from '../../parts/bound.ts'
import { VerdictMark } from '../../parts/marks.tsx'
import { useNow } from '../../parts/now.ts'
import { paths } from '../../paths.ts'
import { sentence, shortReason } from '../../sentence.ts'
import { ACTS_FROM, ASKS_FROM, endingShift } from '../fleet/needs.ts'
import { findChanges, type NumberedTerm } from './evidence.ts'
import { Teach } from './teach.tsx'

type Props = {
  readonly workload: WorkloadRecord
  readonly terms: readonly NumberedTerm[]
  readonly rules: DesiredState | null
  readonly plan: PlanRecord | null
  readonly flow: ConversationRow | null
  readonly lit: number | null
  readonly onLight: (n: number | null) => void
}

export function Why(props: Props) {
  const { workload, terms, flow } = props
  const contained = workload.containedUntil !== null
  return (
    <aside className="surface why" aria-labelledby="why" id="why-panel" tabIndex={-1}>
      <div className="panel-head">
        <h2 id="why">
          {flow !== null
            ? t('why.flow', { verdict: t(`verdict.${flow.verdict ?? 'unjudged'}`), peer: flow.peerName ?? flow.peer })
            : contained
              ? t('why.contained')
              : t('why.risk', { risk: probability(workload.risk?.value ?? 0) })}
        </h2>
      </div>
      {flow === null ? <Sentence {...props} /> : <FlowSentence flow={flow} workload={workload} />}
      {flow === null ? <Teach workload={workload} /> : null}
      {terms.length === 0 ? (
        <p className="say-less">{t('why.noEvidence')}</p>
      ) : (
        <>
          <h3>
            {t('why.evidence')} <span className="qq">{t('why.logOdds')}</span>
          </h3>
          <Terms {...props} />
        </>
      )}
      <Sum workload={workload} />
      <Facts {...props} />
      <Changes workload={workload} terms={terms} />
    </aside>
  )
}

function Sentence({ workload: w, terms, rules }: Props) {
  const containment = rules?.containment ?? null
  if (containment !== null) {
    const reason = shortReason(containment.why.text)
    const words = {
      at: clock(containment.until),
      bound: boundWords(containment.limit),
      reason: `${reason.slice(0, 1).toLowerCase()}${reason.slice(1)}`,
    }
    return <p className="say">{t(`why.containedSays.${heldAs(containment)}`, words)}</p>
  }
  const said = saidFirst(terms).map((term) => sentence(term.evidence.why))
  return <p className="say">{said.length === 0 ? beliefSentence(w) : said.join(' ')}</p>
}

/** The facts the panel opens with. */
function saidFirst(terms: readonly NumberedTerm[]): NumberedTerm[] {
  return terms.filter((term) => term.logOdds > 0).slice(0, 2)
}

export function beliefSentence(w: WorkloadRecord): string {
  if (w.belief === null) return t('why.nothingSeen')
  const [first, second] = w.belief.personas
  if (w.belief.believed !== null) return t('why.believes', { name: w.belief.believed, p: probability(first?.p ?? 0) })
  const close = [first, second].filter((one) => one !== undefined && one.p >= 0.05)
  if (close.length === 0) return t('why.abstainsUnknown', { p: probability(w.belief.unknown) })
  return t('why.abstains', { close: close.map((one) => `${one?.persona} ${probability(one?.p ?? 0)}`).join(', ') })
}

function FlowSentence({ flow, workload }: { readonly flow: ConversationRow; readonly workload: WorkloadRecord }) {
  return (
    <>
      <p className="say">
        <VerdictMark verdict={flow.verdict ?? 'unjudged'} />{' '}
        {flow.why === undefined ? t('why.noReason') : sentence(flow.why.text)}
      </p>
      <p className="say-less">
        {t(flow.flows === 0 ? 'why.noFlows' : 'why.flowFigures', {
          flows: count(flow.flows),
          out: bytes(flow.bytesOut),
          in: bytes(flow.bytesIn),
          port: flow.port,
        })}{' '}
        <Link className="link" to={paths.workload(workload.id)}>
          {t('why.back')}
        </Link>
      </p>
    </>
  )
}

function Terms({ terms, rules, flow, lit, onLight }: Props) {
  // Said once: what the sentence above has is not repeated below it.
  const said = flow !== null || rules?.containment ? [] : saidFirst(terms)
  const most = Math.max(2.5, ...terms.map((term) => Math.abs(term.logOdds)))
  return (
    <ol className="terms">
      {terms.map((term) => (
        <li
          key={`${term.evidence.kind} ${term.evidence.peer}`}
          className={term.n !== null && lit === term.n ? 'lit' : undefined}
          onPointerEnter={() => onLight(term.n)}
          onPointerLeave={() => onLight(null)}
        >
          <span className={term.n === null ? 'ring none' : 'ring'}>{term.n}</span>
          <div>
            <span className="term">
              <span className="cut">{termName(term)}</span>
              <b className="n">{signed(term.logOdds)}</b>
            </span>
            <span className="term-bar">
              <i
                className={term.logOdds < 0 ? 'for' : undefined}
                style={{ width: `${Math.round((Math.abs(term.logOdds) / most) * 100)}%` }}
              />
            </span>
            <span className="sub">
              {said.includes(term) ? null : `${sentence(term.evidence.why)} `}
              <span className="nw">{t('why.halves', { in: duration(term.evidence.halfLifeMs) })}</span>
              {term.evidence.authenticated ? '' : ` · ${t('why.spoofable')}`}
            </span>
          </div>
        </li>
      ))}
    </ol>
  )
}

function termName(term: NumberedTerm): string {
  const name = t(`evidence.${term.evidence.kind as 'beacon'}`)
  return term.evidence.peer === null ? name : t('evidence.to', { name, peer: term.evidence.peer })
}

function Sum({ workload }: { readonly workload: WorkloadRecord }) {
  const { risk } = workload
  if (risk === null) return null
  return (
    <p className="sum n">
      {t('why.sum', { base: plain(risk.base), evidence: signed(risk.sum - risk.base), sum: signed(risk.sum) })}{' '}
      <b>{probability(risk.value)}</b>
    </p>
  )
}

function Facts({ workload: w, rules, plan, flow, terms }: Props) {
  const now = useNow()
  const reason: Reason | undefined = flow?.why ?? rules?.containment?.why
  const ends = endingShift(useShifts().data ?? [], w, now)
  const until = flow === null || flow.verdict === 'deny' ? w.containedUntil : null
  const blamed = terms.filter((term) => term.logOdds > 0)
  const rows: [string, ReactNode][] = []
  if (reason !== undefined)
    rows.push([
      t('why.rule'),
      <span key="r" className="mono wrap">
        {reason.rule}
      </span>,
    ])
  if (reason?.policy !== undefined) rows.push([t('why.policy'), reason.policy])
  if (reason?.persona !== undefined) rows.push([t('why.persona'), reason.persona])
  if (plan !== null) {
    const by = plan.approvedBy.length === 0 ? t(`why.approval.${plan.plan.approval}`) : plan.approvedBy.join(', ')
    rows.push([t('why.plan'), t('why.planIs', { n: plan.plan.generation.n, by })])
  }
  if (until !== null) rows.push([t('why.expires'), deadline(until, now)])
  else if (ends !== null && flow === null) rows.push([t('why.expires'), deadline(ends, now)])
  else if (w.worn !== null && flow === null)
    rows.push([t('why.expires'), t(w.assigned === null ? 'why.noEndDefault' : 'why.noEnd')])
  if (blamed.length > 0) {
    const sure = blamed.every((term) => term.evidence.authenticated)
    rows.push([t('why.blamed'), t(sure ? 'why.blamedSure' : 'why.blamedUnsure')])
  }
  return (
    <dl>
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="n">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Changes({ workload: w, terms }: Pick<Props, 'workload' | 'terms'>) {
  const changes = w.risk === null ? [] : findChanges(w.risk, terms, [ASKS_FROM, ACTS_FROM])
  if (changes.length === 0) return null
  return (
    <div className="changes">
      <h3>{t('why.changed')}</h3>
      {changes.map((change) => (
        <p key={change.without.n}>
          {t('why.without', { what: termName(change.without) })} <b className="n">{probability(change.risk)}</b>
          {t(change.risk < ASKS_FROM ? 'why.watching' : change.risk < ACTS_FROM ? 'why.asking' : 'why.acting')}
        </p>
      ))}
    </div>
  )
}
