/** What every page begins with: crumbs in the bar, the browser's title, one h1 that states the fact, a lead. */
import { Fragment, type ReactNode, useEffect, useState } from 'react'
import { createPortal } from 'react-dom'
import { Link } from 'react-router'

type Crumb = { readonly name: string; readonly to?: string }

export function PageHead(props: {
  readonly title: string
  readonly heading: ReactNode
  readonly crumbs: readonly Crumb[]
  readonly lead?: ReactNode
  readonly actions?: ReactNode
}) {
  const [slot, setSlot] = useState<HTMLElement | null>(null)
  useEffect(() => setSlot(document.getElementById('crumbs')), [])
  return (
    <>
      <title>{`${props.title} · Guise`}</title>
      {slot === null ? null : createPortal(<Crumbs crumbs={props.crumbs} />, slot)}
      <div className="head">
        <div>
          <h1>{props.heading}</h1>
          {props.lead === undefined ? null : <p className="lead">{props.lead}</p>}
        </div>
        {props.actions === undefined ? null : <div className="actions">{props.actions}</div>}
      </div>
    </>
  )
}

function Crumbs({ crumbs }: { readonly crumbs: readonly Crumb[] }) {
  return crumbs.map((crumb, i) => (
    <Fragment key={crumb.name}>
      {i > 0 ? <span aria-hidden="true">/</span> : null}
      {crumb.to === undefined ? <b className="cut">{crumb.name}</b> : <Link to={crumb.to}>{crumb.name}</Link>}
    </Fragment>
  ))
}
