/** What it wears now, as the kernel has it: facets with their origin, and every rule with its reason. */
import { t } from 'i18next'
import { useState } from 'react'
import { useFacets } from '../../api/queries.ts'
import { count, deadline } from '../../format.ts'
import type { DesiredState, FacetName, Reason, ResolvedRule, WorkloadRecord } from '../../nouns.ts'
import { boundWords, heldAs } from '../../parts/bound.ts'
import { VerdictMark } from '../../parts/marks.tsx'
import { useNow } from '../../parts/now.ts'
import { type PlainColumn, PlainTable } from '../../parts/plain-table.tsx'
import { sentence } from '../../sentence.ts'
import { type Hit, type Hits, rateWords } from './hits.ts'
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
  const rows = groupRules(listRules(state)).map(ruleLine)
  const shown = [...heldLines(state.containment), ...(more ? rows : rows.slice(0, FIRST))]
  const counted: PlainColumn<RuleLine> = {
    title: t('workload.packets'),
    width: 104,
    num: true,
    look: ({ why }) => (hits?.of.has(why.rule) ? 'n' : 'n qq'),
    cell: ({ why }) => <HitCount hit={hits?.of.get(why.rule)} />,
  }
  return (
    <>
      <div className="scroll-x wide">
        <PlainTable
          className="rules"
          rows={shown}
          keyOf={({ key }) => key}
          rowLook={({ isHeld }) => (isHeld ? 'contained' : undefined)}
          columns={[
            { title: t('rule.verdict'), width: 112, cell: ({ verdict }) => <VerdictMark verdict={verdict} /> },
            { title: t('rule.direction'), width: 76, cell: ({ way }) => t(`rule.${way}`) },
            {
              title: t('rule.peer'),
              width: 180,
              look: ({ isAddress }) => (isAddress ? 'mono' : ''),
              cell: ({ peer }) => peer,
            },
            { title: t('rule.service'), width: 104, wide: true, cell: ({ services }) => services },
            ...(hits === null ? [] : [counted]),
            {
              title: t('rule.why'),
              cell: ({ why }) => (
                <>
                  {sentence(why.text)}
                  <span className="sub mono">{why.rule}</span>
                </>
              ),
            },
          ]}
        />
      </div>
      <ul className="rule-list narrow">
        {shown.map(({ key, isHeld, verdict, way, peer, services, why }) => (
          <li key={key}>
            <span className="l1">
              <VerdictMark verdict={verdict} />
              <span className="qq">
                {t(`rule.${way}`)}, {services}
              </span>
              {hits === null || isHeld ? null : <span className="qq n right">{hitWords(hits.of.get(why.rule))}</span>}
            </span>
            <span className="l3">
              {sentence(peer)} {sentence(why.text)}
            </span>
          </li>
        ))}
      </ul>
      {more || rows.length <= FIRST ? null : (
        <p className="more">
          <button type="button" className="link" onClick={() => setMore(true)}>
            {t('rule.more', { count: rows.length - FIRST })}
          </button>
        </p>
      )}
    </>
  )
}

function hitWords(hit: Hit | undefined): string {
  return hit === undefined ? '0' : [count(hit.packets), rateWords(hit.perSecond)].filter(Boolean).join(' · ')
}

function HitCount({ hit }: { readonly hit: Hit | undefined }) {
  return (
    <>
      {count(hit?.packets ?? 0)}
      {hit === undefined || hit.perSecond === 0 ? null : <span className="sub">{rateWords(hit.perSecond)}</span>}
    </>
  )
}

/** A rule, or what a containment does above all rules, as both lists show it. */
type RuleLine = {
  readonly key: string
  readonly isHeld: boolean
  readonly verdict: ResolvedRule['verdict']
  readonly way: 'egress' | 'ingress' | 'both'
  readonly peer: string
  readonly isAddress: boolean
  readonly services: string
  readonly why: Reason
}

function ruleLine({ row: { id, direction, rule, list }, services }: RuleGroup): RuleLine {
  return {
    key: id,
    isHeld: false,
    verdict: rule?.verdict ?? list.otherwise,
    way: direction,
    peer: rule === null ? t('rule.rest') : peerWords(rule),
    isAddress: rule?.match.peer.kind === 'cidr',
    services: services.join(', '),
    why: rule?.why ?? list.why,
  }
}

/** What a containment denies, in the words of rules: all, or what is above its bound. */
function heldLines(containment: DesiredState['containment']): readonly RuleLine[] {
  if (containment === null) return []
  const { why, limit } = containment
  const all = t('rule.anyService')
  const above = t('rule.above', { bound: boundWords(limit) })
  const held = (way: RuleLine['way'], services: string): RuleLine => {
    return { key: way, isHeld: true, verdict: 'deny', way, peer: t('rule.anyone'), isAddress: false, services, why }
  }
  const rows = {
    none: [held('both', above)],
    egress: [held('egress', all)],
    egressBound: [held('egress', all), held('ingress', above)],
    both: [held('both', all)],
  }
  return rows[heldAs(containment)]
}
