/** A part of a page that scrolls by itself. It takes the focus, so that it does by keyboard too, and has a name for it. */
import type { ReactNode } from 'react'

type Props = { readonly label: string; readonly className: string; readonly children: ReactNode }

export function ScrollBox({ label, className, children }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so it must take the focus
    <section className={className} tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}
