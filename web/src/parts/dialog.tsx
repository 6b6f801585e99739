/** A dialog is the browser's own: it keeps the focus inside, closes on Escape, and gives the focus back where it was. */
import { t } from 'i18next'
import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { Icon } from './icon.tsx'

type Props = {
  readonly onClose: () => void
  /** its heading; left out for one that has a field instead, which then needs `label` */
  readonly title?: string
  readonly label?: string
  /** px */
  readonly width: number
  readonly className?: string
  /** What has `data-autofocus` gets the focus, else the first thing that can. */
  readonly children: ReactNode
}

export function Dialog({ onClose, title, label, width, className, children }: Props) {
  const box = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useLayoutEffect(() => {
    const dialog = box.current
    if (dialog === null) return
    dialog.showModal()
    dialog.querySelector<HTMLElement>('[data-autofocus]')?.focus()
    // Closing before it leaves the page is what gives the focus back.
    return () => dialog.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it; Escape does the same
    <dialog
      ref={box}
      className={className === undefined ? 'dialog' : `dialog ${className}`}
      style={{ width: `min(${width}px, calc(100vw - 32px))` }}
      aria-labelledby={title === undefined ? undefined : heading}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      // A browser may close it without asking: where nothing was done on the page since it asked last (HTML, close watchers).
      onClose={onClose}
      onClick={(event) => {
        if (event.target === box.current) onClose()
      }}
    >
      <div className="dialog-inside">
        {title === undefined ? null : (
          <div className="dialog-head">
            <h2 id={heading}>{title}</h2>
            <button type="button" className="icon-button" aria-label={t('close')} title={t('close')} onClick={onClose}>
              <Icon name="close" />
            </button>
          </div>
        )}
        {children}
      </div>
    </dialog>
  )
}
