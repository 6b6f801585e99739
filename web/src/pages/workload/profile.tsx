/** What it wears now, as the kernel has it: facets with their origin, and every rule with its reason. */
import { t } from 'i18next'
import { useState } from 'react'
import { useFacets } from '../../api/queries.ts'
import { count, deadline } from '../../format.ts'
import type { DesiredState, FacetName, WorkloadRecord } from '../../nouns.ts'
import { boundWords, heldAs } from '../../parts/bound.ts'
import { VerdictMark } from '../../parts/marks.tsx'
import { useNow } from '../../parts/now.ts'
import { sentence } from '../../sentence.ts'
import { type Hits, rateWords } from './hits.ts'
import { groupRules, listRules, peerWords, type RuleGroup } from './rules-words.ts'

/** Facets with a row of their own, or told by the rules. */
const TOLD = ['address', 'gateway', 'dns', 'containment', 'rest-out', 'rest-in'] as const satisfies FacetName[]
type Further = Exclude<FacetName, (typeof TOLD)[number]>
const isFurther = (facet: FacetName): facet is Further => !(TOLD as readonly FacetName[]).includes(facet)

export function Profile({ workload: w, state }: { readonly workload: WorkloadRecord; readonly state: DesiredState }) {
  const asked = useFacets(w.id)
  const now = useNow()
  const from = `${state.persona.name} v${state.persona.version}`
  const n = state.egress.rules.length + state.ingress.rules.length
  const facets: readonly (readonly [string, string, string, boolean])[] = [
    [
      t('profile.address'),
      (state.network?.addresses ?? w.report.addresses).join(', ') || t('profile.none'),
      state.network === undefined ? t('profile.found') : from,
      false,
    ],
    [
      t('profile.gateway'),
      state.network?.gateways.join(', ') || t('profile.unchanged'),
      state.network === undefined ? t('profile.found') : from,
      false,
    ],
    [
      t('profile.dns'),
      state.dns?.servers.join(', ') || t('profile.unchanged'),
      state.dns === undefined ? t('profile.found') : from,
      false,
    ],
    ...(asked.data?.items ?? []).flatMap(({ facet, words }) =>
      isFurther(facet) ? [[t(`workload.facetName.${facet}`), words, from, false] as const] : [],
    ),
    ...(asked.data === undefined && asked.isError
      ? [[t('workload.facets'), t('workload.facetsUnread'), sentence(asked.error.message), false] as const]
      : []),
    [t('profile.policies'), t('profile.rules', { count: n }), from, false],
    [
      t('profile.rest'),
      t('profile.restIs', { out: t(`verdict.${state.egress.otherwise}`), in: t(`verdict.${state.ingress.otherwise}`) }),
      from,
      false,
    ],
    [
      t('profile.containment'),
      state.containment === null
        ? t('profile.none')
        : t(`profile.contained.${heldAs(state.containment)}`, {
            until: deadline(state.containment.until, now),
            bound: boundWords(state.containment.limit),
          }),
      state.containment === null
        ? t('profile.notContained')
        : (state.containment.why.policy ?? state.containment.why.rule),
      state.containment !== null,
    ],
  ]
  return (
    <dl className="facets">
      {facets.map(([name, value, origin, changed]) => (
        <div key={name} className={changed ? 'changed' : undefined}>
          <dt>{name}</dt>
          <dd>
            {value}
            <span className="sub">{origin}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}

const FIRST = 8

export function Rules(props: {
  readonly state: DesiredState
  readonly all: 'all' | 'first'
  /** null: not asked for here */
  readonly hits: Hits | null
}) {
  const { state, all, hits } = props
  const [more, setMore] = useState(all === 'all')
  const rows = groupRules(listRules(state))
  const shown = more ? rows : rows.slice(0, FIRST)
  return (
    <>
      <div className="scroll-x wide">
        <table className="rules">
          <colgroup>
            <col style={{ width: 112 }} />
            <col style={{ width: 76 }} />
            <col style={{ width: 180 }} />
            <col style={{ width: 104 }} />
            {hits === null ? null : <col style={{ width: 104 }} />}
            <col />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">{t('rule.verdict')}</th>
              <th scope="col">{t('rule.direction')}</th>
              <th scope="col">{t('rule.peer')}</th>
              <th scope="col" className="wide">
                {t('rule.service')}
              </th>
              {hits === null ? null : (
                <th scope="col" className="num">
                  {t('workload.packets')}
                </th>
              )}
              <th scope="col">{t('rule.why')}</th>
            </tr>
          </thead>
          <tbody>
            {heldRows(state.containment).map(({ way, above, why }) => (
              <tr key={way} className="contained">
                <td>
                  <VerdictMark verdict="deny" />
                </td>
                <td>{t(`rule.${way}`)}</td>
                <td>{t('rule.anyone')}</td>
                <td className="wide">{above}</td>
                {hits === null ? null : <HitCell hits={hits} rule={why.rule} />}
                <td>
                  {sentence(why.text)}
                  <span className="sub mono">{why.rule}</span>
                </td>
              </tr>
            ))}
            {shown.map(({ row, services }) => (
              <Rule key={row.id} row={row} services={services} hits={hits} />
            ))}
          </tbody>
        </table>
      </div>
      <ul className="rule-list narrow">
        {heldRows(state.containment).map(({ way, above, why }) => (
          <li key={way}>
            <span className="l1">
              <VerdictMark verdict="deny" />
              <span className="qq">
                {t(`rule.${way}`)}, {above}
              </span>
            </span>
            <span className="l3">
              {sentence(t('rule.anyone'))} {sentence(why.text)}
            </span>
          </li>
        ))}
        {shown.map(({ row, services }) => (
          <li key={row.id}>
            <span className="l1">
              <VerdictMark verdict={row.rule?.verdict ?? row.list.otherwise} />
              <span className="qq">
                {t(`rule.${row.direction}`)}, {services.join(', ')}
              </span>
              {hits === null ? null : (
                <span className="qq n right">{hitWords(hits, (row.rule?.why ?? row.list.why).rule)}</span>
              )}
            </span>
            <span className="l3">
              {sentence(row.rule === null ? t('rule.rest') : peerWords(row.rule))}{' '}
              {sentence((row.rule?.why ?? row.list.why).text)}
            </span>
          </li>
        ))}
      </ul>
      {rows.length > shown.length ? (
        <p className="more">
          <button type="button" className="link" onClick={() => setMore(true)}>
            {t('rule.more', { count: rows.length - shown.length })}
          </button>
        </p>
      ) : null}
    </>
  )
}

function hitWords(hits: Hits, rule: string): string {
  const hit = hits.of.get(rule)
  return hit === undefined ? '0' : [count(hit.packets), rateWords(hit.perSecond)].filter(Boolean).join(' · ')
}

function HitCell({ hits, rule }: { readonly hits: Hits; readonly rule: string }) {
  const hit = hits.of.get(rule)
  return (
    <td className={hit === undefined ? 'num n qq' : 'num n'}>
      {count(hit?.packets ?? 0)}
      {hit === undefined || hit.perSecond === 0 ? null : <span className="sub">{rateWords(hit.perSecond)}</span>}
    </td>
  )
}

function Rule({ row, services, hits }: RuleGroup & { readonly hits: Hits | null }) {
  const { rule, list } = row
  const why = rule?.why ?? list.why
  return (
    <tr>
      <td>
        <VerdictMark verdict={rule?.verdict ?? list.otherwise} />
      </td>
      <td>{t(`rule.${row.direction}`)}</td>
      <td className={rule?.match.peer.kind === 'cidr' ? 'mono' : undefined}>
        {rule === null ? t('rule.rest') : peerWords(rule)}
      </td>
      <td className="wide">{services.join(', ')}</td>
      {hits === null ? null : <HitCell hits={hits} rule={why.rule} />}
      <td>
        {sentence(why.text)}
        <span className="sub mono">{why.rule}</span>
      </td>
    </tr>
  )
}

/** What a containment denies, in the words of rules: all, or what is above its bound. */
function heldRows(containment: DesiredState['containment']) {
  if (containment === null) return []
  const { why, limit } = containment
  const [all, above] = [t('rule.anyService'), t('rule.above', { bound: boundWords(limit) })]
  const rows = {
    none: [{ way: 'both', above, why }],
    egress: [{ way: 'egress', above: all, why }],
    egressBound: [
      { way: 'egress', above: all, why },
      { way: 'ingress', above, why },
    ],
    both: [{ way: 'both', above: all, why }],
  } as const
  return rows[heldAs(containment)]
}
