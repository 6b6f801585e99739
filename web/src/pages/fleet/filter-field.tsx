/** The filter as text: suggestions of what can be typed, a line that says what was not understood. */
import { t } from 'i18next'
import { forwardRef, useId } from 'react'
import { parseFilter, VOCABULARY } from '../../filter.ts'
import { Icon } from '../../parts/icon.tsx'

type Props = { readonly value: string; readonly onChange: (value: string) => void; readonly label: string }

export const FilterField = forwardRef<HTMLInputElement, Props>(function FilterField({ value, onChange, label }, ref) {
  const list = useId()
  const note = useId()
  const unknown = parseFilter(value).find((term) => term.kind === 'unknown')
  const before = value.replace(/\S*$/, '')
  return (
    <span className="filter">
      <span className="filter-box">
        <Icon name="search" size={14} />
        <input
          ref={ref}
          type="search"
          value={value}
          list={list}
          aria-label={label}
          aria-describedby={unknown === undefined ? undefined : note}
          placeholder={t('filter.placeholder')}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return
            if (value === '') event.currentTarget.blur()
            else onChange('')
            event.preventDefault()
          }}
        />
        <kbd>/</kbd>
      </span>
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
})
