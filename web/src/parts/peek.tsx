/** The panel beside a table that shows one row whole: 420 px at the right, over the page where there is no room. */
import { t } from 'i18next'
import { type ReactNode, useEffect, useRef } from 'react'
import { useKeys } from '../shell/keys.ts'
import { Icon } from './icon.tsx'
import './parts.css'

type Props = {
  /** what is shown: a name */
  readonly title: string
  readonly onClose: () => void
  /** right of the title: a link to its page, say */
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** Takes the focus once, when it opens; walking on in the table changes what it shows and leaves the focus there. */
export function Peek({ title, onClose, actions, children }: Props) {
  const head = useRef<HTMLHeadingElement>(null)
  useEffect(() => head.current?.focus({ preventScroll: true }), [])
  useKeys({ Escape: onClose })
  return (
    <aside className="peek surface" aria-label={title}>
      <div className="peek-head">
        <h2 ref={head} tabIndex={-1} className="cut">
          {title}
        </h2>
        {actions}
        <button type="button" className="icon-button" aria-label={t('close')} title={t('close')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <div className="peek-body">{children}</div>
    </aside>
  )
}

/** One block of a peek or a page's right column. */
export function Block({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="block-part">
      <h3>{title}</h3>
      {children}
    </section>
  )
}

/** Names and values, two columns: `rows={{ [t('…')]: value }}`. A value that is null is left out. */
type Named = Readonly<Record<string, ReactNode>> | readonly (readonly [name: string, value: ReactNode])[]

export function Facts({ rows }: { readonly rows: Named }) {
  return (
    <dl className="facts">
      {(Array.isArray(rows) ? (rows as readonly [string, ReactNode][]) : Object.entries(rows)).map(([name, value]) =>
        value === null || value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
