/** Choose what it wears, and for how long. What is asked for becomes a plan; nothing changes before that. */

import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { useState } from 'react'
import { post } from '../../api/client.ts'
import { keys, usePersonas } from '../../api/queries.ts'
import type { WorkloadRecord } from '../../nouns.ts'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { PersonaField } from '../../parts/persona-field.tsx'
import { say } from '../../parts/toast.tsx'

const TTLS = ['10m', '1h', '4h', '24h'] as const

type Accepted = { readonly plan_id: string | null; readonly state: string }

export default function ShiftDialog({ workload: w, onClose }: { workload: WorkloadRecord; onClose: () => void }) {
  const personas = usePersonas().data ?? []
  const client = useQueryClient()
  const [persona, setPersona] = useState('')
  const [ttl, setTtl] = useState<'' | (typeof TTLS)[number]>('')
  const name = personas.find((p) => p.id === persona)?.manifest.metadata.name ?? persona
  const act = async () => {
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
  }
  return (
    <FormDialog
      title={t('shiftTo.title', { workload: w.report.name })}
      verb={persona === '' ? t('shiftTo.go') : t('shiftTo.goTo', { persona: name })}
      note={t('shiftTo.note', { worn: w.worn?.name ?? t('shiftTo.nothing') })}
      missing={persona === '' ? t('shiftTo.choose') : null}
      act={act}
      onClose={onClose}
    >
      {(describedBy) => (
        <>
          <PersonaField
            label={t('shiftTo.persona')}
            choosing={t('shiftTo.choosing')}
            by="id"
            value={persona}
            onChoose={setPersona}
            describedBy={describedBy}
          />
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
        </>
      )}
    </FormDialog>
  )
}
