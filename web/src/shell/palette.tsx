/** Ctrl K: go to a page or a thing, act on what is open, or ask why. Matching is over what the console already holds. */
import { t } from 'i18next'
import { type KeyboardEvent, useId, useMemo, useState } from 'react'
import { useNavigate } from 'react-router'
import { useAgents, usePersonas, usePlans, useSources, useWorkloads } from '../api/queries.ts'
import { usePolicies } from '../editor/questions.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { PersonaName, RiskMark } from '../parts/marks.tsx'
import { isBound, press } from './keys.ts'
import { ACTION_KEYS, findItems, type Held, type Item, KINDS, readRecent, remember } from './palette-items.ts'

function useHeld(): Held {
  // Asked once: what the page binds and what was gone to does not change while the palette is open.
  const [recent] = useState(() => readRecent())
  const [actions] = useState(() => ACTION_KEYS.filter(isBound))
  return {
    workloads: useWorkloads().data ?? [],
    plans: usePlans().data ?? [],
    personas: usePersonas().data ?? [],
    policies: usePolicies().data ?? [],
    agents: useAgents().data ?? [],
    sources: useSources().data ?? [],
    recent,
    actions,
  }
}

export default function Palette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const list = useId()
  const held = useHeld()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the lists of `held`, not the object around them
  const items = useMemo(() => findItems(text, held), [text, ...Object.values(held)])
  const chosen = items[Math.min(at, items.length - 1)]
  const go = (item: Item | undefined) => {
    if (item === undefined) return
    remember(item)
    onClose()
    const { does } = item
    if ('to' in does) navigate(does.to)
    // The dialog must be gone first: no key acts while one is open.
    else setTimeout(() => press(does.press))
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
    <Dialog onClose={onClose} label={t('shell.find')} width={560} className="palette">
      <input
        data-autofocus
        className="text-input"
        value={text}
        placeholder={t('palette.placeholder')}
        aria-label={t('shell.find')}
        role="combobox"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={chosen === undefined ? undefined : `${list}-${chosen.id}`}
        spellCheck={false}
        autoComplete="off"
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
            <div key={kind} role="group" aria-label={t(`palette.kind.${kind}`)}>
              <div className="kind" aria-hidden="true">
                {t(`palette.kind.${kind}`)}
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
    </Dialog>
  )
}
