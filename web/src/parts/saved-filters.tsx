/** Filters with a name: kept in this browser, opened from a menu, shared as an address. */
import { t } from 'i18next'
import { type FormEvent, useId, useState } from 'react'
import { Link, useLocation } from 'react-router'
import { BASE } from '../paths.ts'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'
import { Menu } from './menu.tsx'
import { dropSaved, keepSaved, questionOf, readSaved } from './saved.ts'
import { copy } from './states.tsx'
import { Wrong } from './submit.tsx'
import { say } from './toast.tsx'

export function SavedFilters({ page }: { readonly page: string }) {
  const { pathname, search } = useLocation()
  const [list, setList] = useState(() => readSaved(page))
  const [name, setName] = useState('')
  const [wrong, setWrong] = useState(false)
  const field = useId()
  const question = questionOf(search)
  const keep = (event: FormEvent) => {
    event.preventDefault()
    if (name.trim() === '') return setWrong(true)
    keepSaved(page, { name: name.trim(), search: question })
    setList(readSaved(page))
    say(t('filters.kept', { name: name.trim() }))
    setName('')
    setWrong(false)
  }
  return (
    <Menu label={t('filters.open')} icon="filter">
      {(close) => (
        <>
          <p className="qq">{list.length === 0 && question === '' ? t('filters.none') : t('filters.title')}</p>
          <ul>
            {list.map((one) => (
              <li key={one.name} className="saved">
                <Link
                  to={`${pathname}${one.search}`}
                  onClick={close}
                  aria-current={one.search === question || undefined}
                >
                  <span className="cut">{one.name}</span>
                </Link>
                <button
                  type="button"
                  aria-label={t('filters.drop', { name: one.name })}
                  title={t('filters.drop', { name: one.name })}
                  onClick={() => {
                    dropSaved(page, one.name)
                    setList(readSaved(page))
                    say(t('filters.dropped', { name: one.name }))
                  }}
                >
                  <Icon name="close" size={12} />
                </button>
              </li>
            ))}
          </ul>
          {question === '' ? null : (
            <>
              <form className="keep" onSubmit={keep} noValidate>
                <input
                  id={field}
                  className="text-input"
                  value={name}
                  placeholder={t('filters.name')}
                  aria-label={t('filters.name')}
                  aria-invalid={wrong}
                  aria-describedby={wrong ? `${field}-wrong` : undefined}
                  maxLength={60}
                  autoComplete="off"
                  onChange={(event) => {
                    setName(event.currentTarget.value)
                    setWrong(false)
                  }}
                />
                <Button type="submit" size="xs" variant="default">
                  {t('filters.keep')}
                </Button>
              </form>
              <Wrong id={`${field}-wrong`} text={wrong ? t('filters.empty') : null} />
              <button
                type="button"
                onClick={() => {
                  void copy(`${location.origin}${BASE}${pathname}${question}`)
                  close()
                }}
              >
                <Icon name="link" size={14} />
                {t('filters.copy')}
              </button>
            </>
          )}
        </>
      )}
    </Menu>
  )
}
