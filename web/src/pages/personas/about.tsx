/** A persona in words: what it wears, how it tightens, how it is recognised, who wears it. */

import { t } from 'i18next'
import { Link } from 'react-router'
import { limitOf } from '../../../../src/model/limit-words.ts'
import type { PersonaSpec } from '../../../../src/model/persona.ts'
import { verdictOf } from '../../../../src/model/verdict-of.ts'
import { authoredWords } from '../../editor/rule-words.ts'
import { count, probability } from '../../format.ts'
import { fieldTerm } from '../../grammar.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import { boundWords } from '../../parts/bound.ts'
import { GateLine } from '../../parts/gate-line.tsx'
import { VerdictMark } from '../../parts/marks.tsx'
import { Block, Facts } from '../../parts/peek.tsx'
import { paths, query } from '../../paths.ts'
import { dlpWords, type FacetLine, facetLines } from './facet-words.ts'
import type { PersonaRow } from './wearers.ts'
import { words } from './words.ts'

const MOST_RULES = 30
const MOST_WEARERS = 25

export function About({ row }: { readonly row: PersonaRow }) {
  const { manifest } = row.record
  if (manifest.kind !== 'Persona') return null
  const { spec } = manifest
  return (
    <div className="persona-columns">
      <section className="surface" aria-labelledby="is-title">
        <h2 id="is-title" className="vh">
          {t('personas.tabs.about')}
        </h2>
        <Block title={t('personas.wears')}>
          <Wears spec={spec} />
        </Block>
        <Block title={t('personas.rules')}>
          <Rules spec={spec} />
        </Block>
        {spec.ladder !== undefined && (spec.mitigationRules ?? []).length === 0 ? null : (
          <Block title={t('personas.ladder')}>
            <Ladder spec={spec} />
          </Block>
        )}
        {spec.ladder === undefined ? null : (
          <Block title={t('personas.steps')}>
            <Steps steps={spec.ladder} />
          </Block>
        )}
        {spec.overlap === undefined ? null : (
          <Block title={t('personas.overlap')}>
            <p>{overlapWords(spec.overlap)}</p>
          </Block>
        )}
      </section>
      <div className="surface">
        <Block title={t('personas.recognised')}>
          <p>
            {spec.recognisedAs === undefined
              ? t('personas.recognisedNot')
              : t('personas.recognisedAs', { name: spec.recognisedAs })}{' '}
            {spec.recognisedAs === undefined
              ? null
              : row.belief === null
                ? t('personas.behaveNone')
                : t('personas.behave', {
                    count: row.believed,
                    n: count(row.believed),
                    p: probability(row.belief),
                  })}{' '}
            {spec.alarming === true ? t('personas.isAlarming') : null}
          </p>
        </Block>
        <Block title={t('personas.who')}>
          <Wearers row={row} />
        </Block>
        {row.assigned === 0 && row.believed === 0 ? null : (
          <Block title={t('gate.title')}>
            <GateLine shelf="personas" id={row.record.id} />
          </Block>
        )}
      </div>
    </div>
  )
}

function Wears({ spec }: { readonly spec: PersonaSpec }) {
  const { network, dns, default: rest } = spec.profile ?? {}
  const lines = facetLines(spec.profile ?? {})
  const said = (verdict: 'allow' | 'deny' | undefined) => t(verdict === 'deny' ? 'personas.denied' : 'personas.allowed')
  return (
    <>
      <Facts
        rows={{
          [t('personas.facet.addresses')]: network === undefined ? null : <Mono list={network.addresses} />,
          [t('personas.facet.gateways')]: network?.gateways === undefined ? null : <Mono list={network.gateways} />,
          [t('personas.facet.routes')]:
            network?.routes === undefined ? null : (
              <Mono list={network.routes.map(({ to, via }) => `${to} → ${via}`)} />
            ),
          [t('personas.facet.mtu')]:
            network?.mtu === undefined ? null : t('personas.facet.mtuIs', { count: network.mtu }),
          [t('personas.facet.dns')]: dns === undefined ? null : <Mono list={dns.servers} />,
          [t('personas.facet.search')]: dns?.search?.join(', '),
          ...Object.fromEntries(
            lines.map((line) => [facetName(line.facet), <FacetWords key={line.facet} line={line} />]),
          ),
          [t('personas.facet.rest')]: t('personas.rest', { egress: said(rest?.egress), ingress: said(rest?.ingress) }),
        }}
      />
      {network === undefined && dns === undefined && lines.length === 0 ? (
        <p className="sub">{t('personas.asFound')}</p>
      ) : null}
    </>
  )
}

const NAMED: readonly string[] = Object.keys(words.personas.facetName)
function facetName(facet: string): string {
  return NAMED.includes(facet) ? t(`personas.facetName.${facet}` as 'personas.facetName.vpn') : facet
}

function FacetWords({ line }: { readonly line: FacetLine }) {
  return (
    <>
      {line.words}
      {line.secrets.length === 0 ? null : (
        <span className="sub">
          {t('personas.bySecret', { count: line.secrets.length, names: line.secrets.join(', ') })}{' '}
          <Link className="link" to={paths.secrets()}>
            {t('nav.secrets')}
          </Link>
        </span>
      )}
    </>
  )
}

/** What each step takes away, beside `mitigationRules`. */
function Steps({ steps }: { readonly steps: NonNullable<PersonaSpec['ladder']> }) {
  return (
    <ol className="ladder">
      {steps.map(({ at, rules, bandwidth, deny, inspection, dlp }) => (
        <li key={at}>
          <span className="n">{t('personas.step', { at: probability(at) })}</span>
          <span>
            {[
              rules === undefined ? '' : t('personas.stepDoes.rules', { count: rules.length }),
              bandwidth === undefined ? '' : t('personas.stepDoes.bandwidth', { share: bandwidth }),
              deny === undefined ? '' : t(`personas.stepDoes.${deny}`),
              inspection === undefined ? '' : t('personas.stepDoes.inspection', { level: inspection }),
              dlp === undefined ? '' : dlpWords(dlp),
            ]
              .filter(Boolean)
              .join(', ')}
          </span>
        </li>
      ))}
    </ol>
  )
}

function overlapWords({ strategy = 'priority', with: others = [], believed }: NonNullable<PersonaSpec['overlap']>) {
  return [
    ...others.map(({ persona, weight }) => t('personas.overlapWith', { name: persona, p: probability(weight) })),
    ...(believed === undefined ? [] : [t('personas.overlapBelieved', { p: probability(believed) })]),
    t('personas.overlapBy', { strategy }),
  ].join(', ')
}

function Mono({ list }: { readonly list: readonly string[] }) {
  return <span className="mono">{list.join(', ')}</span>
}

function Rules({ spec }: { readonly spec: PersonaSpec }) {
  const rules = spec.profile?.rules ?? []
  if (rules.length === 0) return <p className="q">{t('personas.rulesNone')}</p>
  return (
    <>
      <ol className="persona-rules">
        {rules.slice(0, MOST_RULES).map((rule, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the order is what a rule is known by
          <li key={i}>
            <VerdictMark verdict={verdictOf(rule.action)} />
            <span className="qq">{t(`rule.${rule.direction}`)}</span>
            <span>
              {authoredWords(rule)}
              {rule.description === undefined ? null : <span className="sub">{rule.description}</span>}
            </span>
          </li>
        ))}
      </ol>
      {rules.length > MOST_RULES ? (
        <p className="sub">{t('personas.more', { count: rules.length - MOST_RULES })}</p>
      ) : null}
    </>
  )
}

function Ladder({ spec }: { readonly spec: PersonaSpec }) {
  const rules = spec.mitigationRules ?? []
  if (rules.length === 0) return <p className="q">{t('personas.ladderNone')}</p>
  return (
    <ol className="ladder">
      {rules.map((rule) => (
        <li key={`${rule.when} ${rule.do}`}>
          <span>
            <span className="qq">{t('personas.when')} </span>
            <code className="mono">{rule.when}</code>
          </span>
          <span>
            {t(`personas.do.${rule.do}`, {
              persona: rule.persona ?? '',
              bound: boundWords(rule.limit && limitOf(rule.limit)),
            })}{' '}
            <span className="qq">{t('personas.for', { ttl: spanWords(rule.ttl) })}</span>
          </span>
        </li>
      ))}
    </ol>
  )
}

const UNITS: Readonly<Record<string, string>> = { m: 'min' }
/** `15m` as everywhere else: `15 min`. */
function spanWords(ttl: string): string {
  return ttl.replace(/(\d+)([a-z]+)/g, (_, n: string, unit: string) => `${n}\u00a0${UNITS[unit] ?? unit}`)
}

function Wearers({ row }: { readonly row: PersonaRow }) {
  const { worn } = row
  const { name } = row.record.manifest.metadata
  if (worn.length === 0) return <p className="q">{t('personas.whoNobody')}</p>
  return (
    <>
      <ul className="wearers">
        {[...worn]
          .sort((a, b) => a.report.name.localeCompare(b.report.name, 'en', { numeric: true }))
          .slice(0, MOST_WEARERS)
          .map((one) => (
            <li key={one.id}>
              <Link className="link quiet-link" to={paths.workload(one.id)}>
                {one.report.name}
              </Link>
              <span className="sub">
                {t(one.assigned?.id === row.id ? 'personas.assignedMark' : 'personas.wornMark')} · {beliefWords(one)}
              </span>
            </li>
          ))}
      </ul>
      <p>
        <Link className="link" to={`${paths.fleet()}${query({ q: fieldTerm('wears', name) })}`}>
          {t('personas.open')} ({count(worn.length)})
        </Link>
      </p>
    </>
  )
}

function beliefWords({ belief }: WorkloadRecord): string {
  const believed = belief?.believed ?? null
  if (belief === null || believed === null) return t('personas.abstains')
  const p = belief.personas.find((one) => one.persona === believed)?.p ?? 0
  return t('personas.p', { name: believed, p: probability(p) })
}
