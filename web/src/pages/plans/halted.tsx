/** Above the list of plans while automation stands still: since when, why, and how it goes on. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { useState } from 'react'
import { get, post } from '../../api/client.ts'
import { keys } from '../../api/queries.ts'
import { absolute } from '../../format.ts'
import type { Reason } from '../../nouns.ts'
import { HinderedButton } from '../../parts/button.tsx'
import ConfirmDialog from '../../parts/confirm-dialog.tsx'
import { useNow } from '../../parts/now.ts'
import { ReasonField } from '../../parts/reason-field.tsx'
import { OPERATORS, useHindrance } from '../../parts/rights.ts'
import { say } from '../../parts/toast.tsx'
import { personName } from '../../person.ts'
import { sentence } from '../../sentence.ts'
import { addWords } from '../../words/words.ts'
import { backWords } from './back-words.ts'
import { timeOf } from './progress.ts'

addWords(backWords)

type Halt = { readonly at: number; readonly by: string; readonly why: Reason }
type Standing = { readonly tripped: Halt | null; readonly pinned: Halt | null }

/** Under the key of plans: what makes plans old makes this old. */
const KEY = [...keys.plans, 'authority']

export default function Halted() {
  const { data } = useQuery({ queryKey: KEY, queryFn: ({ signal }) => get<Standing>('/v1/authority', signal) })
  const client = useQueryClient()
  const hindrance = useHindrance(OPERATORS)
  const now = useNow(60_000)
  const [asks, setAsks] = useState(false)
  const [why, setWhy] = useState('')
  const kind = data?.pinned ? 'pinned' : 'tripped'
  const halt = data?.pinned ?? data?.tripped ?? null
  if (halt === null) return null
  const resume = async () => {
    await post('/v1/authority/resume', why.trim() === '' ? {} : { why: why.trim() })
    say(t('halted.done'))
    void client.invalidateQueries({ queryKey: keys.plans })
  }
  return (
    <section className="surface halted" aria-labelledby="halted">
      <div>
        <h2 id="halted">{t(`halted.${kind}`)}</h2>
        <p className="q">
          {sentence(halt.why.text)}{' '}
          <span className="qq n" title={absolute(halt.at)}>
            {t('halted.since', { at: timeOf(halt.at, now), by: personName(halt.by) })}
          </span>
        </p>
        <p className="qq">{t('halted.only')}</p>
      </div>
      <HinderedButton variant="default" hindrance={hindrance} onClick={() => setAsks(true)}>
        {t('halted.resume')}
      </HinderedButton>
      {asks ? (
        <ConfirmDialog
          title={t('halted.dialog.title')}
          verb={t('halted.dialog.verb')}
          hindrance={hindrance}
          act={resume}
          onClose={() => setAsks(false)}
        >
          <p>{t('halted.dialog.says')}</p>
          <ReasonField label={t('halted.dialog.why')} value={why} onWrite={setWhy} />
        </ConfirmDialog>
      ) : null}
    </section>
  )
}
