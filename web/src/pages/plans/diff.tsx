/** What changes, by meaning first: rules side by side where there is room, facets, and what stays folded into one grey line. */
import { t } from 'i18next'
import { lazy, Suspense, useState } from 'react'
import { Link } from 'react-router'
import { slug } from '../../../../src/model/ids.ts'
import { count } from '../../format.ts'
import type { PlanPreview, Reason, StepPreview } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import { PersonaName, VerdictMark } from '../../parts/marks.tsx'
import { useNarrow } from '../../parts/media.ts'
import { useNow } from '../../parts/now.ts'
import { Segments } from '../../parts/segments.tsx'
import { SkeletonRows } from '../../parts/states.tsx'
import { paths } from '../../paths.ts'
import { countChanges, type DiffLine, facetRows, IN_RULES, type Pair, pairsOf } from './diff-lines.ts'

const NftText = lazy(() => import('./diff-text.tsx').then((module) => ({ default: module.NftText })))
const JsonText = lazy(() => import('./diff-text.tsx').then((module) => ({ default: module.JsonText })))

const FORMS = ['meaning', 'nft', 'json'] as const
/** Steps that are open from the start; of more, the first. */
const OPEN = 3
/** Rules that stay and are still shown beside those that change. */
const SAME = 5

export function Diff({ plan }: { readonly plan: PlanPreview }) {
  const address = useAddress()
  const form = FORMS.find((one) => one === address.get('form')) ?? 'meaning'
  return (
    <section className="surface" aria-labelledby="diff">
      <div className="panel-head wrap">
        <h2 id="diff">{t('planPage.diff.title')}</h2>
        <span className="qq">{counted(plan)}</span>
        <Segments
          className="right"
          label={t('planPage.diff.form')}
          of={FORMS}
          chosen={form}
          word={(one) => t(`planPage.diff.forms.${one}`)}
          onChoose={(one) => address.set({ form: one === 'meaning' ? '' : one })}
        />
      </div>
      <Suspense fallback={<SkeletonRows rows={6} />}>
        {form === 'nft' ? (
          <NftText plan={plan} />
        ) : form === 'json' ? (
          <JsonText plan={plan} />
        ) : (
          <Meaning plan={plan} />
        )}
      </Suspense>
    </section>
  )
}

/** By meaning alone: of what is no plan yet. */
export function Changes({ plan }: { readonly plan: PlanPreview }) {
  return (
    <section className="surface" aria-labelledby="diff">
      <div className="panel-head wrap">
        <h2 id="diff">{t('planPage.diff.title')}</h2>
        <span className="qq">{counted(plan)}</span>
      </div>
      <Meaning plan={plan} />
    </section>
  )
}

function counted(plan: PlanPreview): string {
  const { rules, facets } = countChanges(plan.steps)
  if (rules + facets === 0) return t('planPage.diff.onlySets')
  return [
    ...(rules === 0 ? [] : [t('planPage.diff.rules', { count: rules })]),
    ...(facets === 0 ? [] : [t('planPage.diff.facets', { count: facets })]),
  ].join(', ')
}

function Meaning({ plan }: { readonly plan: PlanPreview }) {
  const many = plan.steps.length > 1
  return (
    <>
      {plan.steps.map((step, i) =>
        many ? (
          <details key={step.workload} className="diff-step" open={plan.steps.length <= OPEN || i === 0}>
            <summary>
              <StepName step={step} />
            </summary>
            <StepDiff step={step} plan={plan} />
          </details>
        ) : (
          <StepDiff key={step.workload} step={step} plan={plan} />
        ),
      )}
      {plan.steps.length === 0 ? <p className="diff-note qq">{t('planPage.diff.noRules')}</p> : null}
      {plan.steps_more > 0 ? (
        <p className="diff-note qq">{t('planPage.diff.stepsMore', { n: count(plan.steps_more) })}</p>
      ) : null}
    </>
  )
}

function StepName({ step }: { readonly step: StepPreview }) {
  return (
    <>
      <b className="name">{step.name}</b>
      <span className="q">
        {step.from === null || step.from.name === step.to.name ? null : (
          <>
            <PersonaName name={step.from.name} /> →{' '}
          </>
        )}
        <PersonaName name={step.to.name} />
      </span>
    </>
  )
}

function StepDiff({ step, plan }: { readonly step: StepPreview; readonly plan: PlanPreview }) {
  const now = useNow()
  const before =
    step.from === null || plan.from_generation === null
      ? t('planPage.diff.beforeNone')
      : t('planPage.diff.before', { n: plan.from_generation })
  const after = t('planPage.diff.after', { n: plan.generation })
  // The minute is what a deadline in words shows: no need to build the lines again every second.
  const minute = Math.floor(now / 60_000) * 60_000
  return (
    <>
      {(['egress', 'ingress'] as const).map((direction) => {
        const pairs = pairsOf(step, direction, minute)
        if (!pairs.some((pair) => pair.is === 'changed')) return null
        return (
          <Pairs
            key={direction}
            pairs={pairs}
            before={`${t(`planPage.diff.${direction}`)} · ${before}`}
            after={after}
            more={step.rules[direction].more}
          />
        )
      })}
      <Facets step={step} />
    </>
  )
}

function Pairs({
  pairs,
  before,
  after,
  more,
}: {
  readonly pairs: readonly Pair[]
  readonly before: string
  readonly after: string
  readonly more: StepPreview['rules']['egress']['more']
}) {
  const narrow = useNarrow()
  const same = pairs.filter((pair) => pair.is === 'same')
  const [all, setAll] = useState(same.length <= SAME)
  const shown = all ? pairs : pairs.filter((pair) => pair.is === 'changed')
  const hidden = more.removed + more.added
  return (
    <>
      {narrow ? (
        <ul className="diff-unified" aria-label={`${before}. ${after}`}>
          {shown.flatMap((pair) => [
            pair.is === 'same' || pair.before === null ? null : (
              <UnifiedLine key={`${pair.key} -`} line={pair.before} is="removed" />
            ),
            pair.after === null ? null : (
              <UnifiedLine key={`${pair.key} +`} line={pair.after} is={pair.is === 'same' ? 'same' : 'added'} />
            ),
          ])}
        </ul>
      ) : (
        <table className="diff-table">
          <thead>
            <tr>
              <th scope="col">{before}</th>
              <th scope="col">{after}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((pair) => (
              <tr key={pair.key}>
                <Cell line={pair.before} is={pair.is === 'same' ? 'same' : 'removed'} />
                <Cell line={pair.after} is={pair.is === 'same' ? 'same' : 'added'} />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {all ? null : (
        <p className="diff-note">
          <button type="button" className="link" onClick={() => setAll(true)}>
            {t('planPage.diff.fold', { count: same.length + more.kept })}
          </button>
        </p>
      )}
      {hidden > 0 ? <p className="diff-note qq">{t('planPage.diff.more', { count: hidden })}</p> : null}
    </>
  )
}

type Is = 'same' | 'removed' | 'added'
const SIGN = { same: '', removed: '\u2212', added: '+' } as const satisfies Record<Is, string>

function Cell({ line, is }: { readonly line: DiffLine | null; readonly is: Is }) {
  if (line === null) return <td className="empty" />
  return (
    <td className={is}>
      <div className="diff-line">
        <LineParts line={line} is={is} />
      </div>
    </td>
  )
}
function UnifiedLine({ line, is }: { readonly line: DiffLine; readonly is: Is }) {
  return (
    <li className={`diff-line ${is}`}>
      <LineParts line={line} is={is} />
    </li>
  )
}

function LineParts({ line, is }: { readonly line: DiffLine; readonly is: Is }) {
  return (
    <>
      <span className="sign" role="img" aria-label={t(`planPage.diff.${is}`)}>
        {SIGN[is]}
      </span>
      <span className="n qq place">{line.n}</span>
      <VerdictMark verdict={line.verdict} word={t(`planPage.diff.${line.verdict}`)} />
      <span className="diff-to">
        {line.to}
        <span className="sub">
          {line.service}
          {line.why === null ? null : (
            <>
              {line.service === '' ? '' : ' · '}
              <Provenance why={line.why} />
            </>
          )}
        </span>
      </span>
      <span
        className="n qq seen"
        title={line.seen === null ? undefined : t('planPage.diff.seen', { count: line.seen })}
      >
        {line.seen === null || line.seen === 0 ? '' : count(line.seen)}
      </span>
    </>
  )
}

/** Where it is written, as a link when it has a page. */
export function Provenance({ why }: { readonly why: Reason }) {
  if (why.policy !== undefined)
    return (
      <Link className="link" to={paths.policy(slug(why.policy))} title={why.text}>
        {why.policy}
      </Link>
    )
  if (why.persona !== undefined)
    return (
      <Link className="link" to={paths.persona(slug(why.persona))} title={why.text}>
        {why.persona}
      </Link>
    )
  return (
    <span className="mono" title={why.text}>
      {why.rule}
    </span>
  )
}

function Facets({ step }: { readonly step: StepPreview }) {
  const changed = facetRows(step)
  const same = step.facets.unchanged.filter((facet) => !IN_RULES.includes(facet))
  if (changed.length === 0) {
    const names = same.map((facet) => t(`planPage.diff.facetName.${facet}`)).join(', ')
    return same.length === 0 ? null : <p className="diff-note qq">{t('planPage.diff.allSame', { names })}</p>
  }
  return (
    <table className="diff-facets">
      <colgroup>
        <col style={{ width: '36%' }} />
        <col style={{ width: '20%' }} />
        <col style={{ width: '22%' }} />
        <col />
      </colgroup>
      <thead>
        <tr>
          <th scope="col">{t('planPage.diff.facet')}</th>
          <th scope="col">{t('planPage.diff.was')}</th>
          <th scope="col">{t('planPage.diff.will')}</th>
          <th scope="col" className="wide">
            {t('planPage.diff.why')}
          </th>
        </tr>
      </thead>
      <tbody>
        {changed.map(({ facet, before, after, why }) => (
          <tr key={facet}>
            <td>{t(`planPage.diff.facetName.${facet}`)}</td>
            <td className="n">{before ?? t('planPage.diff.found')}</td>
            <td className="n b">{after ?? t('planPage.diff.found')}</td>
            <td className="wide">
              {why === null ? null : why.rule.startsWith('persona:') ? why.text : <Provenance why={why} />}
            </td>
          </tr>
        ))}
        {same.length === 0 ? null : (
          <tr className="same">
            <td>{same.map((facet) => t(`planPage.diff.facetName.${facet}`)).join(', ')}</td>
            <td>{t('planPage.diff.unchanged')}</td>
            <td>{t('planPage.diff.unchanged')}</td>
            <td className="wide" />
          </tr>
        )}
      </tbody>
    </table>
  )
}
