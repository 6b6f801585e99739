/** A person's word on what a workload is: kept, and learnt from its last windows. It changes what is believed, never what it wears. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { useState } from 'react'
import { post } from '../../api/client.ts'
import { keys } from '../../api/queries.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { PersonaField } from '../../parts/persona-field.tsx'
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
  const client = useQueryClient()
  const [persona, setPersona] = useState('')
  return (
    <FormDialog
      title={t('teach.title', { workload: w.report.name })}
      verb={persona === '' ? t('teach.go') : t('teach.goAs', { persona })}
      note={t('teach.note')}
      missing={persona === '' ? t('teach.choose') : null}
      onClose={onClose}
      act={async () => {
        const lesson = await post<Lesson>(`/v1/workloads/${encodeURIComponent(w.id)}/feedback`, { persona })
        say(t('teach.done', { workload: w.report.name, persona: lesson.persona, count: lesson.windows }))
        void client.invalidateQueries({ queryKey: keys.workload(w.id) })
      }}
    >
      {(describedBy) => (
        <PersonaField
          label={t('teach.persona')}
          choosing={t('teach.choosing')}
          by="name"
          value={persona}
          onChoose={setPersona}
          describedBy={describedBy}
        />
      )}
    </FormDialog>
  )
}
