/** Before another model is put in force: the figures of both, whose name it would change, a reason, then one button. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { useState } from 'react'
import type { ModelDetail, ModelMetrics, ModelRecord } from '../../../../src/model/model-record.ts'
import { get, post } from '../../api/client.ts'
import { keys } from '../../api/queries.ts'
import { count, probability } from '../../format.ts'
import ConfirmDialog from '../../parts/confirm-dialog.tsx'
import { PlainTable } from '../../parts/plain-table.tsx'
import { ReasonField } from '../../parts/reason-field.tsx'
import { say } from '../../parts/toast.tsx'
import { modelsKey, percent } from './models.tsx'

export default function ModelDialog(props: {
  readonly act: 'promote' | 'rollback'
  readonly model: ModelRecord
  readonly hindrance: string | null
  readonly onClose: () => void
}) {
  const { act, model, hindrance, onClose } = props
  const client = useQueryClient()
  const [why, setWhy] = useState('')
  const detail = useQuery({
    queryKey: [...modelsKey, model.id],
    queryFn: ({ signal }) => get<ModelDetail>(`/v1/models/${encodeURIComponent(model.id)}`, signal),
    staleTime: 0,
  })
  const path = act === 'promote' ? `/v1/models/${encodeURIComponent(model.id)}/promote` : '/v1/models/rollback'
  return (
    <ConfirmDialog
      title={t(`models.${act}Title`, { name: model.name })}
      verb={t(`models.${act}Verb`)}
      hindrance={hindrance}
      onClose={onClose}
      act={async () => {
        await post(path, { why: why.trim() })
        say(t(act === 'promote' ? 'models.promoted' : 'models.rolledBack', { name: model.name }))
        await client.invalidateQueries({ queryKey: modelsKey })
        await client.invalidateQueries({ queryKey: keys.audit })
      }}
    >
      <p>{t(`models.${act}Says`)}</p>
      {detail.data === undefined ? (
        <p className="qq">{t('models.trying')}</p>
      ) : (
        <>
          <Both model={detail.data.model} other={detail.data.inForce} />
          <Shadow detail={detail.data} />
        </>
      )}
      <ReasonField label={t('models.why')} value={why} onWrite={setWhy} />
    </ConfirmDialog>
  )
}

const FIGURES: readonly (readonly [
  name: 'accuracy' | 'macroF1' | 'ece' | 'silent',
  of: (m: ModelMetrics) => string,
])[] = [
  ['accuracy', (m) => percent(m.accuracy)],
  ['macroF1', (m) => probability(m.macroF1)],
  ['ece', (m) => probability(m.ece)],
  ['silent', (m) => percent(m.abstained)],
]

function Both({ model, other }: { readonly model: ModelRecord; readonly other: ModelRecord | null }) {
  const cell = (record: ModelRecord | null, of: (m: ModelMetrics) => string) => {
    const metrics = record?.provenance.metrics ?? null
    return metrics === null ? <span className="qq">–</span> : of(metrics)
  }
  return (
    <PlainTable
      className="model-both"
      rows={FIGURES}
      keyOf={([name]) => name}
      columns={[
        { title: t('models.figure'), head: true, cell: ([name]) => t(`models.${name}`) },
        { title: model.name, num: true, cell: ([, of]) => cell(model, of) },
        { title: t('models.inForce'), num: true, cell: ([, of]) => cell(other, of) },
      ]}
    />
  )
}

function Shadow({ detail: { shadow } }: { readonly detail: ModelDetail }) {
  if (shadow === null) return <p>{t('models.shadowBroken')}</p>
  if (shadow.workloads === 0) return <p>{t('models.shadowNone')}</p>
  const name = (told: string | null) => told ?? t('models.nothingSaid')
  return (
    <div>
      <p>
        {t('models.shadow', {
          count: shadow.wouldChange,
          windows: count(shadow.windows),
          workloads: count(shadow.workloads),
        })}
      </p>
      <ul className="model-changes">
        {shadow.changes.map(({ workload, name: who, from, to }) => (
          <li key={workload}>
            <b className="name">{who}</b> {t('models.changes', { from: name(from), to: name(to) })}
          </li>
        ))}
      </ul>
    </div>
  )
}
