/** What is known of what was chosen: why it stands out, its figures, and the conversations behind it with the rule that decided. */
import { t } from 'i18next'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { slug } from '../../../../src/model/ids.ts'
import type { Topology, TopologyEdge, TopologyNode, TopologyTalk } from '../../../../src/model/topology.ts'
import { bytes, clock, count } from '../../format.ts'
import type { Verdict } from '../../nouns.ts'
import { Waiting } from '../../parts/loaded.tsx'
import { Ago, PersonaName, RiskMark, VerdictMark } from '../../parts/marks.tsx'
import { Block, Facts } from '../../parts/peek.tsx'
import { paths, query } from '../../paths.ts'
import { sentence, shortReason } from '../../sentence.ts'
import { portWord, serviceWord } from '../../service.ts'
import { type Chosen, endName, ends, membersOf } from './chosen.ts'
import { countOf, mostDifferent, verdictOf } from './differs.ts'
import { useTalks } from './query.ts'
import type { At, PageState } from './state.ts'

type Props = {
  readonly topology: Topology
  readonly state: PageState
  readonly at: At
  readonly chosen: Chosen
  readonly onSelect: (id: string) => void
  readonly onEnter: (segment: string) => void
}

const DIFFERING = 8

export function Panel(props: Props) {
  const { chosen } = props
  switch (chosen.kind) {
    case 'nothing':
      return <Differs {...props} />
    case 'gone':
      return (
        <Frame title={t('nav.topology')} onClose={() => props.onSelect('')}>
          <p className="say-less">{t('topology.panel.gone')}</p>
        </Frame>
      )
    case 'node':
      return <NodePanel {...props} node={chosen.node} />
    case 'edges':
      return <EdgePanel {...props} edges={chosen.edges} title={chosen.title} />
  }
}

function Frame({ title, onClose, children }: { title: ReactNode; onClose?: () => void; children: ReactNode }) {
  return (
    <aside className="surface topology-why" aria-labelledby="topology-why" id="why-panel" tabIndex={-1}>
      <div className="panel-head">
        <h2 id="topology-why">{title}</h2>
        {onClose === undefined ? null : (
          <button type="button" className="link right" onClick={onClose}>
            {t('topology.panel.close')}
          </button>
        )}
      </div>
      {children}
    </aside>
  )
}

function Differs({ topology, onSelect }: Props) {
  const rows = mostDifferent(topology.edges, DIFFERING)
  return (
    <Frame title={t('topology.panel.differs')}>
      {rows.length === 0 ? (
        <p className="say-less">{t('topology.panel.nothing')}</p>
      ) : (
        <ol className="differs">
          {rows.map((edge) => (
            <li key={edge.id}>
              <button type="button" className="plain" onClick={() => onSelect(edge.id)}>
                <b className="name">{edgeTitle(topology, edge)}</b>
                <Signs edge={edge} />
              </button>
              {edge.evidence === null ? null : <span className="sub">{sentence(edge.evidence)}</span>}
            </li>
          ))}
        </ol>
      )}
      {topology.judgedBy === null ? null : (
        <p className="say-less n">{t('topology.judgedBy', { n: topology.judgedBy })}</p>
      )}
    </Frame>
  )
}

export function Signs({ edge }: { readonly edge: TopologyEdge }) {
  const verdict = verdictOf(edge.verdicts)
  return (
    <span className="signs">
      <VerdictMark verdict={verdict} word={`${t(`verdict.${verdict}`)} ${count(countOf(edge.verdicts, verdict))}`} />
      {edge.fresh ? <span className="tag">{t('topology.mark.fresh')}</span> : null}
      {edge.evidence === null ? null : <span className="tag">{t('topology.mark.evidence')}</span>}
    </span>
  )
}

export function edgeTitle(topology: Topology, edge: TopologyEdge): string {
  return edge.from === edge.to
    ? t('topology.panel.inner', { name: endName(topology, edge.from) })
    : t('topology.panel.edge', { from: endName(topology, edge.from), to: endName(topology, edge.to) })
}

function NodePanel(props: Props & { readonly node: TopologyNode }) {
  const { topology, node, onSelect, onEnter } = props
  const segment = topology.segments.find((one) => one.id === node.segment)
  const own = topology.edges.filter((edge) => edge.from === node.id || edge.to === node.id)
  const isOurs = node.kind !== 'outside'
  return (
    <Frame title={endName(topology, node.id)} onClose={() => onSelect('')}>
      <p className="say">
        {node.evidence === null ? (
          t('topology.panel.plain')
        ) : (
          <>
            <Link className="link" to={paths.workload(node.evidence.workload)}>
              {node.evidence.name}
            </Link>
            : {sentence(node.evidence.why)}
          </>
        )}
      </p>
      <Facts
        rows={{
          [t('topology.panel.facts.segment')]: segment?.name ?? null,
          [t('topology.panel.facts.persona')]: node.persona === null ? null : <PersonaName name={node.persona} />,
          [isOurs ? t('topology.panel.facts.members') : t('topology.panel.facts.addresses')]:
            node.workload === null && node.members > 0 ? count(node.members) : null,
          [t('topology.panel.facts.risk')]: isOurs ? <RiskMark value={node.risk} /> : null,
          [t('topology.panel.facts.contained')]:
            node.contained > 0 ? t('topology.panel.contained', { count: node.contained }) : null,
          [t('topology.panel.facts.traffic')]: bytes(node.bytes),
        }}
      />
      <p className="panel-links">
        {node.workload === null ? null : (
          <Link className="link" to={paths.workload(node.workload)}>
            {t('topology.panel.open', { name: node.name })}
          </Link>
        )}
        {isOurs && node.workload === null ? (
          <button type="button" className="button small" onClick={() => onEnter(node.segment)}>
            {t('topology.panel.enter', { name: segment?.name ?? node.segment })} <kbd>Enter</kbd>
          </button>
        ) : null}
      </p>
      <Paths topology={topology} edges={own} onSelect={onSelect} />
      <Talks {...props} a={membersOf(topology, node)} b={null} />
    </Frame>
  )
}

function Paths({
  topology,
  edges,
  onSelect,
}: Pick<Props, 'topology' | 'onSelect'> & { edges: readonly TopologyEdge[] }) {
  const rows = mostDifferent(edges, 4)
  if (rows.length === 0) return null
  return (
    <Block title={t('topology.panel.differs')}>
      <ol className="differs">
        {rows.map((edge) => (
          <li key={edge.id}>
            <button type="button" className="plain" onClick={() => onSelect(edge.id)}>
              <b className="name">{edgeTitle(topology, edge)}</b>
              <Signs edge={edge} />
            </button>
          </li>
        ))}
      </ol>
    </Block>
  )
}

const VERDICTS = ['deny', 'would-deny', 'allow', 'unjudged'] as const satisfies readonly Verdict[]

function EdgePanel(props: Props & { readonly edges: readonly TopologyEdge[]; readonly title: string }) {
  const { topology, edges, title, onSelect } = props
  const total = (of: (edge: TopologyEdge) => number) => edges.reduce((sum, edge) => sum + of(edge), 0)
  const evidence = edges.find((edge) => edge.evidence !== null)?.evidence ?? null
  const services = edges.flatMap((edge) => edge.services).sort((a, b) => b.bytes - a.bytes)
  const { a, b } = ends(edges)
  return (
    <Frame title={title} onClose={() => onSelect('')}>
      {evidence === null ? null : <p className="say">{sentence(evidence)}</p>}
      <Facts
        rows={{
          [t('topology.panel.facts.verdicts')]: (
            <span className="signs">
              {VERDICTS.map((verdict) => {
                const n = total((edge) => countOf(edge.verdicts, verdict))
                return n === 0 ? null : (
                  <VerdictMark key={verdict} verdict={verdict} word={`${t(`verdict.${verdict}`)} ${count(n)}`} />
                )
              })}
            </span>
          ),
          [t('topology.panel.facts.failed')]:
            total((edge) => edge.failed) > 0 ? count(total((edge) => edge.failed)) : null,
          [t('topology.panel.facts.traffic')]: bytes(total((edge) => edge.bytes)),
          [t('topology.panel.facts.services')]:
            services.length === 0 ? null : [...new Set(services.slice(0, 4).map(serviceName))].join(', '),
          [t('topology.panel.facts.last')]: <Ago at={Math.max(0, ...edges.map((edge) => edge.last))} />,
          [t('topology.panel.facts.fresh')]: edges.some((edge) => edge.fresh)
            ? t('topology.panel.freshSays', { at: clock(topology.from) })
            : null,
        }}
      />
      <Talks {...props} a={a} b={b} />
    </Frame>
  )
}

export function serviceName(one: {
  readonly port: number
  readonly proto: number
  readonly service: string | null
}): string {
  const port = portWord(one)
  return one.service === null || !port.includes(' ') ? port : `${serviceWord(one.service)} ${one.port}`
}

function Talks({ state, at, a, b }: Props & { readonly a: string; readonly b: string | null }) {
  const talks = useTalks({ ...state, at }, a, b)
  const span = t(`topology.spanWords.${state.span}`)
  return (
    <Block title={t('topology.panel.talks')}>
      {talks.data === undefined ? (
        <Waiting query={talks} what={t('topology.panel.talks')} rows={4} />
      ) : (
        <>
          <p className={talks.data.deniedLastHour > 0 ? 'denied-hour' : 'qq'}>
            {talks.data.deniedLastHour > 0
              ? t('topology.panel.denied', { n: count(talks.data.deniedLastHour) })
              : t('topology.panel.notDenied')}
          </p>
          {talks.data.items.length === 0 ? (
            <p className="qq">
              {state.infrastructure === 'hide' ? t('topology.panel.noneShown') : t('topology.panel.noTalks', { span })}
            </p>
          ) : (
            <ul className="talks">
              {talks.data.items.slice(0, 12).map((talk) => (
                <TalkRow
                  key={`${talk.workload} ${talk.direction} ${talk.peer} ${talk.proto}/${talk.port}`}
                  talk={talk}
                />
              ))}
            </ul>
          )}
        </>
      )}
    </Block>
  )
}

function TalkRow({ talk }: { readonly talk: TopologyTalk }) {
  const peer = talk.peerName ?? talk.peer
  const [from, to] = talk.direction === 'initiated' ? [talk.name, peer] : [peer, talk.name]
  const address = `${talk.peer.includes(':') ? `[${talk.peer}]` : talk.peer}:${talk.port}`
  // The workload's page answers for a flow it begins; one that it serves is in its list.
  const why = talk.direction === 'initiated' ? query({ why: `to:${address}` }) : ''
  return (
    <li>
      <span className="l1">
        <Link className="cut" to={`${paths.conversations(talk.workload)}${why}`}>
          <span className="name">{from}</span> <span className="qq">→</span> <span className="name">{to}</span>
        </Link>
        <span className="n nw">{bytes(talk.bytes)}</span>
      </span>
      <span className="l2">
        <VerdictMark verdict={talk.verdict ?? 'unjudged'} />
        <span className="qq n nw">
          {serviceName(talk)} · {count(talk.flows)}×
        </span>
      </span>
      {talk.why === null || talk.verdict === 'allow' ? null : (
        <span className="sub">
          {talk.why.policy === undefined ? null : (
            <>
              <Link className="link" to={paths.policy(slug(talk.why.policy))}>
                {talk.why.policy}
              </Link>{' '}
            </>
          )}
          {shortReason(talk.why.text)}
        </span>
      )}
    </li>
  )
}
