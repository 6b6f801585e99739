/** The rules of one workload as the kernel would get them: by meaning, or the text of nftables under its own hash. */
import { t } from 'i18next'
import { useId, useState } from 'react'
import type { CompiledSide, ManifestPreview } from '../../../src/model/preview.ts'
import { useWorkloads } from '../api/queries.ts'
import { Segments } from '../parts/segments.tsx'
import { ChangeList } from './change-list.tsx'
import { lineDiff } from './line-diff.ts'
import { TextDiff } from './text-diff.tsx'

const MOST_CHOICES = 500

export function CompiledRules(props: {
  readonly compiled: ManifestPreview['compiled']
  readonly affected: NonNullable<ManifestPreview['affected']>
  readonly workload: string | null
  readonly onWorkload: (id: string) => void
}) {
  const { compiled, affected, workload, onWorkload } = props
  const [view, setView] = useState<'meaning' | 'nft'>('meaning')
  const field = useId()
  const touched = affected.groups.flatMap((group) => group.workloads)
  const all = useWorkloads().data ?? []
  const rest = all
    .filter((one) => !touched.some((other) => other.id === one.id))
    .slice(0, Math.max(0, MOST_CHOICES - touched.length))
    .map((one) => ({ id: one.id, name: one.report.name }))
    .sort((a, b) => a.name.localeCompare(b.name))
  return (
    <>
      <div className="rules-head">
        <label htmlFor={field}>
          <span className="q">{t('preview.rulesOf')}</span>
          <select
            id={field}
            value={workload ?? compiled?.workload ?? ''}
            onChange={(event) => onWorkload(event.currentTarget.value)}
          >
            {compiled === null && workload === null ? <option value="">–</option> : null}
            {touched.length === 0 ? null : (
              <optgroup label={t('preview.legend.changed')}>
                {touched.slice(0, MOST_CHOICES).map((one) => (
                  <option key={one.id} value={one.id}>
                    {one.name}
                  </option>
                ))}
              </optgroup>
            )}
            <optgroup label={t('preview.legend.quiet')}>
              {rest.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </optgroup>
          </select>
        </label>
        <Segments
          label={t('preview.rules')}
          of={['meaning', 'nft']}
          chosen={view}
          word={(one) => t(`preview.${one}`)}
          onChoose={setView}
        />
      </div>
      {compiled === null
        ? null
        : (['egress', 'ingress'] as const).map((direction) => (
            <Side key={direction} direction={direction} side={compiled[direction]} view={view} />
          ))}
    </>
  )
}

function Side(props: {
  readonly direction: 'egress' | 'ingress'
  readonly side: CompiledSide
  readonly view: 'meaning' | 'nft'
}) {
  const { direction, side, view } = props
  return (
    <>
      <p className="h3">{t(`preview.direction.${direction}`)}</p>
      <p className="sub mono">{chainWords(side)}</p>
      {view === 'meaning' ? (
        <ChangeList changes={side.rules} />
      ) : (
        <TextDiff label={t(`preview.direction.${direction}`)} lines={lineDiff(side.text.before, side.text.after)} />
      )}
    </>
  )
}

/** The name is the hash of the text: equal names are equal rules, here and in the kernel. */
function chainWords({ before, after, live }: CompiledSide): string {
  const chain = t('preview.chain', { name: after })
  if (before === after) return `${chain}, ${t('preview.chainSame')}`
  if (before === null) return chain
  return `${chain}, ${t(before === live ? 'preview.chainLive' : 'preview.chainNow', { name: before })}`
}
