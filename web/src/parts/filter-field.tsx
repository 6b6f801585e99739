/** The filter as text: suggestions of what can be typed, with how often each value occurs; a line for what was not understood. */
import { t } from 'i18next'
import { memo, type Ref, useDeferredValue, useEffect, useId, useRef, useState } from 'react'
import { count } from '../format.ts'
import { type Grammar, parseTerms, suggest } from '../grammar.ts'
import { Icon } from './icon.tsx'
import './parts.css'

type SearchProps = {
  readonly value: string
  readonly onChange: (value: string) => void
  readonly label: string
  readonly placeholder: string
  readonly ref?: Ref<HTMLInputElement>
  readonly list?: string
  readonly describedBy?: string | undefined
  /** what stands there, while somebody is at it; null when they have left */
  readonly onText?: (text: string | null) => void
}

const SETTLES_MS = 120

/** Typing is kept here and told after a short rest: the address bar is no place for every keystroke. */
export function SearchBox({ value, onChange, label, placeholder, ref, list, describedBy, onText }: SearchProps) {
  const [text, setText] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  // What was told comes back some moments later, when more may have been typed: only what others wrote is taken over.
  const told = useRef<string[]>([])
  const before = useRef(value)
  useEffect(() => {
    if (value === before.current) return
    before.current = value
    const own = told.current.indexOf(value)
    told.current.splice(0, own + 1)
    if (own < 0) setText(value)
  }, [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  const tell = (next: string, afterMs: number) => {
    setText(next)
    onText?.(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      if (next !== before.current || told.current.length > 0) told.current.push(next)
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
        onFocus={() => onText?.(text)}
        onBlur={() => onText?.(null)}
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

type Props<T> = Pick<SearchProps, 'value' | 'onChange' | 'label' | 'placeholder' | 'ref'> & {
  readonly grammar: Grammar<T>
  /** all rows, for the values that are offered */
  readonly rows: readonly T[]
}

export function FilterField<T>({ value, onChange, label, placeholder, ref, grammar, rows }: Props<T>) {
  const list = useId()
  const note = useId()
  // Suggestions are made for what is being typed, so nothing is counted while nobody types.
  const [typed, setTyped] = useState<string | null>(null)
  const unknown = parseTerms(value, grammar).find((term) => term.kind === 'unknown')
  return (
    <span className="filter">
      <SearchBox
        {...(ref === undefined ? {} : { ref })}
        value={value}
        onChange={onChange}
        label={label}
        placeholder={placeholder}
        list={list}
        describedBy={unknown === undefined ? undefined : note}
        onText={setTyped}
      />
      <Suggestions id={list} typed={useDeferredValue(typed)} grammar={grammar as Grammar<unknown>} rows={rows} />
      {unknown?.kind === 'unknown' ? (
        <span id={note} className="filter-note" role="status">
          {t('filters.unknown', { text: unknown.text, why: unknown.why })}
        </span>
      ) : null}
    </span>
  )
}

type Offers = {
  readonly id: string
  /** null: nobody types */
  readonly typed: string | null
  readonly grammar: Grammar<unknown>
  readonly rows: readonly unknown[]
}
/** Counting the values of ten thousand rows takes a moment: drawn behind what is typed, and again only for other rows. */
const Suggestions = memo(function Suggestions({ id, typed, grammar, rows }: Offers) {
  return (
    <datalist id={id}>
      {typed === null
        ? null
        : suggest(typed, rows, grammar).map(({ value, times }) => (
            <option
              key={value}
              value={value}
              label={times === null ? undefined : t('filters.rows', { count: times, n: count(times) })}
            />
          ))}
    </datalist>
  )
})
