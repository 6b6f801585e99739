/** Ctrl K: go to a page or a workload, or ask why. Matching is over what the page already holds. */
import { Modal, TextInput } from '@mantine/core'
import { t } from 'i18next'
import { type KeyboardEvent, useId, useState } from 'react'
import { useNavigate } from 'react-router'
import { useWorkloads } from '../api/queries.ts'
import type { WorkloadRecord } from '../nouns.ts'
import { PAGES } from '../pages.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { PersonaName, RiskMark } from '../parts/marks.tsx'
import { paths, query } from '../paths.ts'

type Item = {
  readonly id: string
  readonly kind: 'page' | 'workload' | 'why'
  readonly name: string
  readonly icon: IconName
  readonly to: string
  readonly keys?: string
  readonly workload?: WorkloadRecord
}
const PER_KIND = 8
const KINDS = ['page', 'workload', 'why'] as const

function findItems(text: string, workloads: readonly WorkloadRecord[]): Item[] {
  const asked = findFlow(text, workloads)
  if (asked !== null) return [asked]
  const why = /^\s*why\b\s*/i.exec(text)
  const wanted = (why === null ? text : text.slice(why[0].length)).trim().toLowerCase()
  const hit = (name: string) => name.toLowerCase().includes(wanted)
  const pages: Item[] = PAGES.map(({ name, icon, to, keys }) => ({
    id: name,
    kind: 'page',
    name: t(`nav.${name}`),
    icon,
    to,
    keys,
  }))
  const found = workloads
    .filter((w) => hit(w.report.name) || w.report.addresses.some(hit) || Object.values(w.report.labels).some(hit))
    .sort((a, b) => rank(a, wanted) - rank(b, wanted) || (b.risk?.value ?? 0) - (a.risk?.value ?? 0))
    .slice(0, PER_KIND)
  const whys: Item[] = (why === null ? found.slice(0, wanted === '' ? 0 : 3) : found).map((w) => ({
    id: `why-${w.id}`,
    kind: 'why',
    name: t('palette.why', { name: w.report.name }),
    icon: 'risk',
    to: `${paths.workload(w.id)}${query({ why: 'risk' })}`,
    keys: 'w',
  }))
  if (why !== null) return whys
  const goes: Item[] = found.map((w) => ({
    id: w.id,
    kind: 'workload',
    name: w.report.name,
    icon: 'agent',
    to: paths.workload(w.id),
    workload: w,
  }))
  return [...pages.filter((page) => hit(page.name)), ...goes, ...whys]
}

/** `why A to B:PORT`: A is a name or an address of ours, B what it spoke with. */
function findFlow(text: string, workloads: readonly WorkloadRecord[]): Item | null {
  const found = /^\s*why\s+(\S+)\s+to\s+(\S+)\s*$/i.exec(text)
  if (found === null) return null
  const [, from = '', to = ''] = found
  const w = workloads.find((one) => one.report.name === from || one.report.addresses.includes(from))
  if (w === undefined) return null
  return {
    id: 'why-flow',
    kind: 'why',
    name: t('palette.whyFlow', { name: w.report.name, to }),
    icon: 'risk',
    to: `${paths.workload(w.id)}${query({ why: `to:${to}` })}`,
  }
}

function rank(w: WorkloadRecord, wanted: string): number {
  return w.report.name.toLowerCase().startsWith(wanted) ? 0 : 1
}

export default function Palette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const list = useId()
  const items = findItems(text, useWorkloads().data ?? [])
  const chosen = items[Math.min(at, items.length - 1)]
  const go = (item: Item | undefined) => {
    if (item === undefined) return
    onClose()
    navigate(item.to)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      const step = event.key === 'ArrowDown' ? 1 : -1
      setAt((Math.min(at, items.length - 1) + step + items.length) % Math.max(1, items.length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      go(chosen)
    }
  }
  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      size={560}
      yOffset="12vh"
      attributes={{ content: { 'aria-label': t('palette.open') } }}
    >
      <TextInput
        data-autofocus
        value={text}
        placeholder={t('palette.placeholder')}
        aria-label={t('palette.open')}
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={chosen === undefined ? undefined : `${list}-${chosen.id}`}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
      <div className="palette-list" id={list} role="listbox" aria-label={t('palette.results')}>
        {KINDS.map((kind) => {
          const group = items.filter((item) => item.kind === kind)
          if (group.length === 0) return null
          return (
            // biome-ignore lint/a11y/useSemanticElements: a fieldset may not stand inside a listbox
            <div key={kind} role="group" aria-label={t(`palette.${kind}s`)}>
              <div className="kind" aria-hidden="true">
                {t(`palette.${kind}s`)}
              </div>
              {group.map((item) => (
                // biome-ignore lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: focus and keys stay in the field (combobox)
                <div
                  key={item.id}
                  id={`${list}-${item.id}`}
                  role="option"
                  aria-selected={item === chosen}
                  onClick={() => go(item)}
                  onMouseMove={() => setAt(items.indexOf(item))}
                >
                  <Icon name={item.icon} />
                  <span className="cut">{item.name}</span>
                  <span className="right">
                    {item.workload?.worn ? <PersonaName name={item.workload.worn.name} /> : null}
                    {item.workload ? <RiskMark value={item.workload.risk?.value ?? null} /> : null}
                    {item.keys?.split(' ').map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </span>
                </div>
              ))}
            </div>
          )
        })}
      </div>
      {items.length === 0 ? <p className="note">{t('palette.none', { text })}</p> : null}
    </Modal>
  )
}
