/** Sources: does every source deliver, what is lost or late, and where. Rows are what agents told last. */
import { t } from 'i18next'
import { useMemo } from 'react'
import { useAgents, useSources } from '../../api/queries.ts'
import { isLosing } from '../../attention.ts'
import { count, countWord } from '../../format.ts'
import type { SourceRecord } from '../../nouns.ts'
import { Listing } from '../../parts/listing.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Preview } from '../../parts/preview.tsx'
import { CopyCommand, Empty } from '../../parts/states.tsx'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { sourceColumns, sourceGrammar, sourceLines } from './columns.tsx'
import { SourcePeek } from './peek.tsx'
import './sources.css'
import { words } from './words.ts'

addWords(words)

export default function Sources() {
  const sources = useSources()
  const agents = useAgents().data
  const hosts = useMemo(() => new Map<string, string>((agents ?? []).map((a) => [a.id, a.host])), [agents])
  const hostOf = useMemo(() => (source: SourceRecord) => hosts.get(source.agent) ?? source.agent, [hosts])
  const columns = useMemo(() => sourceColumns(hostOf), [hostOf])
  const grammar = useMemo(() => sourceGrammar(hostOf), [hostOf])
  const all = sources.data
  return (
    <>
      <PageHead
        title={t('nav.sources')}
        heading={all === undefined ? t('nav.sources') : heading(all)}
        lead={all === undefined || all.length === 0 ? undefined : lead(all)}
        crumbs={[{ name: t('nav.sources') }]}
      />
      <Loaded query={sources} what={t('sources.list')} rows={8}>
        {(rows) => (
          <Listing
            name="sources"
            title={t('sources.title')}
            rows={rows}
            columns={columns}
            sort="state"
            grammar={grammar}
            placeholder={t('sources.placeholder')}
            nearest={(s) => s.name}
            lines={(s) => sourceLines(s, hostOf(s))}
            tint={(s) => s.state}
            minWidth={900}
            opens={{
              kind: 'peek',
              peek: { title: (s) => s.name, body: (s) => <SourcePeek source={s} host={hostOf(s)} /> },
            }}
            firstRun={<FirstRun />}
          />
        )}
      </Loaded>
    </>
  )
}

function heading(all: readonly SourceRecord[]): string {
  if (all.length === 0) return t('sources.none')
  const losing = all.filter(isLosing).length
  const rest = losing === 0 ? t('sources.allWell') : t('sources.losing', { count: losing, n: countWord(losing) })
  return `${t('sources.heading', { count: all.length, n: count(all.length) })} ${rest}`
}

function lead(all: readonly SourceRecord[]): string {
  const flows = all.reduce((sum, s) => sum + s.flowsPerSecond, 0)
  return t('sources.lead', { count: new Set(all.map((s) => s.agent)).size, flows: count(flows) })
}

function FirstRun() {
  return (
    <Empty title={t('sources.firstRun')}>
      <p>{t('sources.firstRunHow')}</p>
      <CopyCommand command="sudo bin/guise agent" />
      <p style={{ marginTop: 14 }}>{t('sources.firstRunMore')}</p>
      <CopyCommand command="sudo bin/guise agent --source netflow=0.0.0.0:2055,exporter=10.0.0.1/32,network=10.0.0.0/8" />
      <CopyCommand command="sudo bin/guise agent --source zeek=/var/log/zeek/current,network=10.0.0.0/8" />
      <CopyCommand command="sudo bin/guise agent --source eve=/var/log/suricata/eve.json,network=10.0.0.0/8" />
      <Preview />
    </Empty>
  )
}
