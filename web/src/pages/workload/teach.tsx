/** A person's word on what a workload is: kept, and learnt from its last windows. It changes what is believed, never what it wears. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { type FormEvent, useState } from 'react'
import { ProblemError, post } from '../../api/client.ts'
import { keys, usePersonas } from '../../api/queries.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { OPERATORS, useHindrance } from '../../parts/rights.ts'
import { say } from '../../parts/toast.tsx'

type Props = { readonly workload: WorkloadRecord }

export function Teach({ workload }: Props) {
  const [isOpen, setOpen] = useState(false)
  const hindrance = useHindrance(OPERATORS)
  const believed = workload.belief?.believed ?? null
  return (
    <p className="say-less">
      <button
        type="button"
        className="link"
        disabled={hindrance !== null}
        title={hindrance ?? undefined}
        onClick={() => setOpen(true)}
      >
        {believed === null ? t('teach.open') : t('teach.openWrong', { persona: believed })}
      </button>
      {isOpen ? <TeachDialog workload={workload} onClose={() => setOpen(false)} /> : null}
    </p>
  )
}

type Lesson = { readonly persona: string; readonly windows: number }

function TeachDialog({ workload: w, onClose }: Props & { readonly onClose: () => void }) {
  const personas = usePersonas().data ?? []
  const client = useQueryClient()
  const [persona, setPersona] = useState('')
  const [wrong, setWrong] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (persona === '') return setWrong(t('teach.choose'))
    setBusy(true)
    setWrong(null)
    try {
      const lesson = await post<Lesson>(`/v1/workloads/${encodeURIComponent(w.id)}/feedback`, { persona })
      say(t('teach.done', { workload: w.report.name, persona: lesson.persona, count: lesson.windows }))
      void client.invalidateQueries({ queryKey: keys.workload(w.id) })
      onClose()
    } catch (error) {
      const problem = error instanceof ProblemError ? error.problem : null
      setWrong([problem?.detail ?? problem?.title ?? String(error), problem?.cure].filter(Boolean).join(' '))
    }
    setBusy(false)
  }
  return (
    <Dialog onClose={onClose} width={440} title={t('teach.title', { workload: w.report.name })}>
      <form className="plan-body" onSubmit={(event) => void submit(event)} noValidate>
        <label className="field">
          {t('teach.persona')}
          <select
            data-autofocus
            value={persona}
            onChange={(event) => setPersona(event.currentTarget.value)}
            aria-describedby={wrong === null ? 'teach-note' : 'teach-wrong'}
          >
            <option value="">{t('teach.choosing')}</option>
            {personas.map(({ id, manifest }) => (
              <option key={id} value={manifest.metadata.name}>
                {manifest.metadata.name}
              </option>
            ))}
          </select>
        </label>
        <p id="teach-note" className="sub">
          {t('teach.note')}
        </p>
        {wrong === null ? null : (
          <p id="teach-wrong" role="alert" className="wrong">
            {wrong}
          </p>
        )}
        <div className="buttons">
          <Button type="submit" loading={busy}>
            {persona === '' ? t('teach.go') : t('teach.goAs', { persona })}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
