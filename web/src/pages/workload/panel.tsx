/** A part of the page with a heading, a note beside it and a way to more. */
import type { ReactNode } from 'react'

type PanelProps = {
  readonly id: string
  readonly title: string
  readonly note?: string
  readonly link?: ReactNode
  readonly children: ReactNode
}

export function Panel({ id, title, note, link, children }: PanelProps) {
  return (
    <section className="surface" aria-labelledby={id}>
      <div className="panel-head">
        <h2 id={id}>{title}</h2>
        {note === undefined ? null : <span className="qq">{note}</span>}
        {link}
      </div>
      {children}
    </section>
  )
}
