/** Choose what it wears, and for how long. What is asked for becomes a plan; nothing changes before that. */

import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { type FormEvent, useState } from 'react'
import { ProblemError, post } from '../../api/client.ts'
import { keys, usePersonas } from '../../api/queries.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { say } from '../../parts/toast.tsx'

const TTLS = ['10m', '1h', '4h', '24h'] as const

type Accepted = { readonly plan_id: string | null; readonly state: string }

export default function ShiftDialog({ workload: w, onClose }: { workload: WorkloadRecord; onClose: () => void }) {
  const personas = usePersonas().data ?? []
  const client = useQueryClient()
  const [persona, setPersona] = useState('')
  const [ttl, setTtl] = useState<'' | (typeof TTLS)[number]>('')
  const [wrong, setWrong] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const name = personas.find((p) => p.id === persona)?.manifest.metadata.name ?? persona
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (persona === '') return setWrong(t('shiftTo.choose'))
    setBusy(true)
    setWrong(null)
    try {
      const accepted = await post<Accepted>('/v1/trigger_shift', {
        device_id: w.id,
        persona_id: persona,
        ...(ttl === '' ? {} : { ttl }),
      })
      say(
        accepted.plan_id === null
          ? t('shiftTo.already', { workload: w.report.name, persona: name })
          : t('shiftTo.done', { workload: w.report.name, persona: name }),
      )
      for (const key of [keys.plans, keys.shifts, keys.workloads]) void client.invalidateQueries({ queryKey: key })
      onClose()
    } catch (error) {
      const problem = error instanceof ProblemError ? error.problem : null
      setWrong([problem?.detail ?? problem?.title ?? String(error), problem?.cure].filter(Boolean).join(' '))
    }
    setBusy(false)
  }
  return (
    <Dialog onClose={onClose} width={440} title={t('shiftTo.title', { workload: w.report.name })}>
      <form className="plan-body" onSubmit={(event) => void submit(event)} noValidate>
        <label className="field">
          {t('shiftTo.persona')}
          <select
            data-autofocus
            value={persona}
            onChange={(event) => setPersona(event.currentTarget.value)}
            aria-describedby={wrong === null ? 'shift-note' : 'shift-wrong'}
          >
            <option value="">{t('shiftTo.choosing')}</option>
            {personas.map((p) => (
              <option key={p.id} value={p.id}>
                {p.manifest.metadata.name}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          {t('shiftTo.ends')}
          <select value={ttl} onChange={(event) => setTtl(event.currentTarget.value as typeof ttl)}>
            <option value="">{t('shiftTo.stays')}</option>
            {TTLS.map((one) => (
              <option key={one} value={one}>
                {t(`shiftTo.ttl.${one}`)}
              </option>
            ))}
          </select>
        </label>
        <p id="shift-note" className="sub">
          {t('shiftTo.note', { worn: w.worn?.name ?? t('shiftTo.nothing') })}
        </p>
        {wrong === null ? null : (
          <p id="shift-wrong" role="alert" className="wrong">
            {wrong}
          </p>
        )}
        <div className="buttons">
          <Button type="submit" loading={busy}>
            {persona === '' ? t('shiftTo.go') : t('shiftTo.goTo', { persona: name })}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
