/** The filter as text: suggestions of what can be typed, a line that says what was not understood. */
import { t } from 'i18next'
import { type Ref, useEffect, useId, useRef, useState } from 'react'
import { parseFilter, VOCABULARY } from '../../filter.ts'
import { Icon } from '../../parts/icon.tsx'

type SearchProps = {
  readonly value: string
  readonly onChange: (value: string) => void
  readonly label: string
  readonly placeholder: string
  readonly ref?: Ref<HTMLInputElement>
  readonly list?: string
  readonly describedBy?: string | undefined
}

const SETTLES_MS = 120

/** Typing is kept here and told after a short rest: the address bar is no place for every keystroke. */
export function SearchBox({ value, onChange, label, placeholder, ref, list, describedBy }: SearchProps) {
  const [text, setText] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const told = useRef(value)
  useEffect(() => {
    if (value === told.current) return
    told.current = value
    setText(value)
  }, [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  const tell = (next: string, afterMs: number) => {
    setText(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      told.current = next
      onChange(next)
    }, afterMs)
  }
  return (
    <span className="filter-box">
      <Icon name="search" size={14} />
      <input
        ref={ref}
        type="search"
        value={text}
        list={list}
        aria-label={label}
        aria-describedby={describedBy}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => tell(event.currentTarget.value, SETTLES_MS)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          event.preventDefault()
          if (text === '') event.currentTarget.blur()
          else tell('', 0)
        }}
      />
      <kbd>/</kbd>
    </span>
  )
}

type Props = Pick<SearchProps, 'value' | 'onChange' | 'label' | 'ref'>

export function FilterField({ value, onChange, label, ref }: Props) {
  const list = useId()
  const note = useId()
  const unknown = parseFilter(value).find((term) => term.kind === 'unknown')
  const before = value.replace(/\S*$/, '')
  return (
    <span className="filter">
      <SearchBox
        {...(ref === undefined ? {} : { ref })}
        value={value}
        onChange={onChange}
        label={label}
        placeholder={t('filter.placeholder')}
        list={list}
        describedBy={unknown === undefined ? undefined : note}
      />
      <datalist id={list}>
        {VOCABULARY.map((word) => (
          <option key={word} value={before + word} />
        ))}
      </datalist>
      {unknown?.kind === 'unknown' ? (
        <span id={note} className="filter-note" role="status">
          {t('filter.unknown', { text: unknown.text, why: unknown.why })}
        </span>
      ) : null}
    </span>
  )
}
