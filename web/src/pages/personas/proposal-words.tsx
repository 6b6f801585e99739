/** A person's word on a proposal, asked for once: what it does, what it needs, then one button with the same verb. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { useState } from 'react'
import type { ProposalRecord } from '../../../../src/model/proposal.ts'
import { post } from '../../api/client.ts'
import { keys, useGate } from '../../api/queries.ts'
import ConfirmDialog from '../../parts/confirm-dialog.tsx'
import { FormField } from '../../parts/form-field.tsx'
import { GateLine } from '../../parts/gate-line.tsx'
import { say } from '../../parts/toast.tsx'
import { proposalsKey } from './proposals.tsx'

export type Word = 'accept' | 'rename' | 'merge' | 'split' | 'reject'

export default function ProposalDialog(props: {
  readonly word: Word
  readonly one: ProposalRecord
  readonly others: readonly ProposalRecord[]
  readonly names: ReadonlyMap<string, string>
  readonly hindrance: string | null
  readonly onClose: () => void
}) {
  const { word, one, others, names, hindrance, onClose } = props
  const client = useQueryClient()
  const [name, setName] = useState(one.name)
  const [into, setInto] = useState(others[0]?.id ?? '')
  const [leave, setLeave] = useState<readonly string[]>([])
  const [isKnown, setKnown] = useState(false)
  const waits = useGate('proposals', one.id).data?.verdict === 'wait'
  const missing =
    (word === 'accept' && waits && !isKnown) ||
    (word === 'rename' && (name.trim() === '' || name === one.name)) ||
    (word === 'split' && (leave.length === 0 || leave.length === one.workloads.length))
  const body = {
    accept: { do: 'accept', ...(waits && isKnown ? { despite: 'unseen-traffic' } : {}) },
    reject: { do: 'reject' },
    rename: { do: 'rename', name: name.trim() },
    merge: { do: 'merge', into },
    split: { do: 'split', workloads: leave },
  }[word]
  return (
    <ConfirmDialog
      title={t(`proposals.ask.${word}`, { name: one.name })}
      verb={t(`proposals.verb.${word}`)}
      hindrance={
        hindrance ?? (missing ? t(`proposals.needs.${word === 'split' || word === 'accept' ? word : 'rename'}`) : null)
      }
      onClose={onClose}
      act={async () => {
        await post(`/v1/proposals/${encodeURIComponent(one.id)}`, body)
        say(t(`proposals.done.${word}`, { name: one.name }))
        await client.invalidateQueries({ queryKey: proposalsKey })
        if (word === 'accept') await client.invalidateQueries({ queryKey: keys.personas })
      }}
    >
      <p>{t(`proposals.what.${word}`, { count: one.rules.length })}</p>
      {word === 'accept' ? (
        <>
          <GateLine shelf="proposals" id={one.id} />
          {waits ? (
            <label>
              <input type="checkbox" checked={isKnown} onChange={(event) => setKnown(event.currentTarget.checked)} />{' '}
              {t('proposals.despite')}
            </label>
          ) : null}
        </>
      ) : null}
      {word === 'rename' ? (
        <FormField label={t('proposals.name')} wrong={null}>
          {(control) => (
            <input
              className="text-input"
              {...control}
              value={name}
              maxLength={63}
              onChange={(event) => setName(event.currentTarget.value)}
            />
          )}
        </FormField>
      ) : null}
      {word === 'merge' ? (
        <FormField label={t('proposals.into')} wrong={null}>
          {(control) => (
            <select
              className="text-input"
              {...control}
              value={into}
              onChange={(event) => setInto(event.currentTarget.value)}
            >
              {others.map((other) => (
                <option key={other.id} value={other.id}>
                  {other.name}
                </option>
              ))}
            </select>
          )}
        </FormField>
      ) : null}
      {word === 'split' ? (
        <fieldset className="proposal-split">
          <legend>{t('proposals.leave')}</legend>
          {one.workloads.map((id) => (
            <label key={id}>
              <input
                type="checkbox"
                checked={leave.includes(id)}
                onChange={(event) => {
                  const { checked } = event.currentTarget
                  setLeave((now) => (checked ? [...now, id] : now.filter((each) => each !== id)))
                }}
              />{' '}
              {names.get(id) ?? id}
            </label>
          ))}
        </fieldset>
      ) : null}
    </ConfirmDialog>
  )
}
