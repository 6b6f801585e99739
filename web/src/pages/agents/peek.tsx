/** One agent whole: what is in force against what is intended, what its probes said, its counters, how to change its mode. */
import { t } from 'i18next'
import { useId, useState } from 'react'
import { Link } from 'react-router'
import { clockSeconds, count } from '../../format.ts'
import { fieldTerm } from '../../grammar.ts'
import type { AgentRecord } from '../../nouns.ts'
import { Ago, VerdictMark } from '../../parts/marks.tsx'
import { Block, Facts } from '../../parts/peek.tsx'
import { CopyCommand } from '../../parts/states.tsx'
import { paths, query } from '../../paths.ts'
import { type About, Stand, Touch } from './columns.tsx'
import { Machines } from './machines.tsx'
import type { Standing } from './standing.ts'

const MODES = ['observe', 'suggest', 'enforce', 'off'] as const

export function AgentPeek({ agent, about }: { readonly agent: AgentRecord; readonly about: About }) {
  const standing = about.standing(agent)
  const workloads = about.workloads(agent)
  const sources = about.sources(agent)
  const { applied } = agent
  return (
    <>
      <Block title={t('agents.column.equal')}>
        <p>
          <Stand standing={standing} />
        </p>
        <p className="q">{standingSentence(agent, standing)}</p>
      </Block>
      <Block title={t('agents.state')}>
        <Facts
          rows={{
            [t('agents.column.touch')]: <Touch agent={agent} />,
            [t('agents.column.told')]: <Ago at={agent.lastReport} />,
            [t('agents.column.mode')]: t(`agents.mode.${agent.mode}`),
            [t('agents.column.workloads')]: (
              <Link className="link" to={`${paths.fleet()}${query({ q: fieldTerm('host', agent.host) })}`}>
                {t('agents.workloads', { count: workloads, n: count(workloads) })}
              </Link>
            ),
            [t('agents.column.sources')]: (
              <Link className="link" to={`${paths.sources()}${query({ q: fieldTerm('agent', agent.host) })}`}>
                {t('agents.sources', { count: sources, n: count(sources) })}
              </Link>
            ),
            [t('agents.hash')]: applied === null ? null : <code className="mono">{applied.hash}</code>,
          }}
        />
      </Block>
      {applied === null || applied.probes.length === 0 ? null : (
        <Block title={t('agents.probes')}>
          <ul className="probes">
            {applied.probes.map((probe) => (
              <li key={probe.name}>
                <VerdictMark
                  verdict={probe.ok ? 'allow' : 'would-deny'}
                  word={t(probe.ok ? 'agents.answered' : 'agents.waits')}
                />
                <span>
                  {probe.name}
                  <span className="sub">{probe.detail}</span>
                </span>
              </li>
            ))}
          </ul>
        </Block>
      )}
      <Machines agent={agent.id} />
      <Block title={t('agents.counters')}>
        <Counters counters={agent.counters} />
      </Block>
      <Block title={t('agents.changeMode')}>
        <ModeChoice agent={agent} />
      </Block>
    </>
  )
}

function standingSentence({ applied }: AgentRecord, { kind, have, intended }: Standing): string {
  return t(`agents.standSays.${kind}`, {
    n: count((kind === 'pending' ? have : intended) ?? have ?? 0),
    have: have === null ? t('agents.nothing') : count(have),
    at: applied?.deadline == null ? '' : clockSeconds(applied.deadline),
    why: applied?.why ?? '',
  })
}

/** Only what happened: a column of zeros says nothing. */
function Counters({ counters }: Pick<AgentRecord, 'counters'>) {
  const some = Object.entries(counters)
    .filter(([, n]) => n !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return (
    <>
      <Facts rows={Object.fromEntries(some.map(([name, n]) => [name, count(n)]))} />
      {some.length < Object.keys(counters).length ? <p className="sub">{t('agents.allZero')}</p> : null}
    </>
  )
}

/** Says what each mode means and how to get there; it is the host's to change (`mode-is-the-hosts`). */
function ModeChoice({ agent }: { readonly agent: AgentRecord }) {
  const [mode, setMode] = useState(agent.mode)
  const name = useId()
  return (
    <>
      <fieldset className="modes">
        <legend className="vh">{t('agents.toMode', { host: agent.host })}</legend>
        {MODES.map((one) => (
          <label key={one}>
            <input type="radio" name={name} checked={mode === one} onChange={() => setMode(one)} />
            {t(`agents.mode.${one}`)}
          </label>
        ))}
      </fieldset>
      <p className="q">{t(`agents.means.${mode}`)}</p>
      {mode === agent.mode ? null : (
        <>
          <p className="q" style={{ margin: '8px 0 6px' }}>
            {t('agents.hostsOwn')}
          </p>
          <CopyCommand command={`sudo bin/guise agent --mode ${mode}`} />
        </>
      )}
    </>
  )
}
