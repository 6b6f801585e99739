/** What it wears: facets and rules with their reasons, and what the kernel counted by each rule. */
import { t } from 'i18next'
import { type useRules, useShifts } from '../../api/queries.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import { Old, Waiting } from '../../parts/loaded.tsx'
import { Empty } from '../../parts/states.tsx'
import { useHits } from './hits.ts'
import { Panel } from './panel.tsx'
import { Profile, Rules } from './profile.tsx'

/** What is said of the counts beside the rules; they are another question, which may fail alone. */
function Counted({ hits }: { readonly hits: ReturnType<typeof useHits> }) {
  if (hits.data === undefined) return <Waiting query={hits} what={t('workload.counts')} rows={1} />
  return (
    <>
      {hits.isError ? <Old query={hits} /> : null}
      <p className="sub hits-note">{t('workload.counted', { count: hits.data.shared })}</p>
    </>
  )
}

type WornProps = {
  readonly workload: WorkloadRecord
  readonly rules: ReturnType<typeof useRules>
  readonly show: 'first' | 'all'
}

export function Worn({ workload: w, rules, show }: WornProps) {
  const shifts = (useShifts().data ?? []).filter((shift) => shift.workload === w.id).length
  const hits = useHits(w.id, show === 'all' ? 'asks' : 'rests')
  return (
    <Panel
      id="worn"
      title={t(show === 'all' ? 'workload.tab.rules' : 'workload.worn')}
      {...(shifts > 0 ? { note: t('workload.shifts', { count: shifts }) } : {})}
    >
      {rules.data === undefined ? (
        <Waiting query={rules} what={t('workload.worn')} rows={4} />
      ) : rules.data === null ? (
        <Empty title={t('workload.noRules')}>
          <p>{t('workload.noRulesWhy')}</p>
        </Empty>
      ) : (
        <>
          {show === 'first' ? <Profile workload={w} state={rules.data} /> : null}
          <Rules state={rules.data} all={show} hits={hits.data ?? null} />
          {show === 'all' ? <Counted hits={hits} /> : null}
        </>
      )}
    </Panel>
  )
}
