/** Above the list of plans while automation stands still: since when, why, and how it goes on. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { useState } from 'react'
import { get, post } from '../../api/client.ts'
import { keys } from '../../api/queries.ts'
import { absolute } from '../../format.ts'
import type { Reason, Role } from '../../nouns.ts'
import { Button } from '../../parts/button.tsx'
import ConfirmDialog from '../../parts/confirm-dialog.tsx'
import { useNow } from '../../parts/now.ts'
import { useHindrance } from '../../parts/rights.ts'
import { say } from '../../parts/toast.tsx'
import { personName } from '../../person.ts'
import { sentence } from '../../sentence.ts'
import { addWords } from '../../words/words.ts'
import { backWords } from './back-words.ts'
import { timeOf } from './progress.ts'

addWords(backWords)

type Halt = { readonly at: number; readonly by: string; readonly why: Reason }
type Standing = { readonly tripped: Halt | null; readonly pinned: Halt | null }

const OPERATORS: readonly Role[] = ['operator', 'admin']
/** Under the key of plans: what makes plans old makes this old. */
const KEY = [...keys.plans, 'authority']

export default function Held() {
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
    say(t('held.done'))
    void client.invalidateQueries({ queryKey: keys.plans })
  }
  return (
    <section className="surface held" aria-labelledby="held">
      <div>
        <h2 id="held">{t(`held.${kind}`)}</h2>
        <p className="q">
          {sentence(halt.why.text)}{' '}
          <span className="qq n" title={absolute(halt.at)}>
            {t('held.since', { at: timeOf(halt.at, now), by: personName(halt.by) })}
          </span>
        </p>
        <p className="qq">{t('held.only')}</p>
      </div>
      <span className="disabled-why">
        <Button
          variant="default"
          disabled={hindrance !== null}
          aria-describedby={hindrance === null ? undefined : 'why-not-resume'}
          onClick={() => setAsks(true)}
        >
          {t('held.resume')}
        </Button>
        {hindrance === null ? null : (
          <span className="sub" id="why-not-resume">
            {hindrance}
          </span>
        )}
      </span>
      {asks ? (
        <ConfirmDialog
          title={t('held.dialog.title')}
          verb={t('held.dialog.verb')}
          hindrance={hindrance}
          act={resume}
          onClose={() => setAsks(false)}
        >
          <p>{t('held.dialog.says')}</p>
          <label className="field">
            {t('held.dialog.why')}
            <input
              className="text-input"
              value={why}
              maxLength={500}
              autoComplete="off"
              onChange={(event) => setWhy(event.currentTarget.value)}
            />
          </label>
        </ConfirmDialog>
      ) : null}
    </section>
  )
}
