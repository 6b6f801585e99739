/** A button that opens a small panel under itself: the browser's own popover, so Escape, outside clicks and focus are its work. */
import { type ReactNode, type ToggleEvent, useId, useRef } from 'react'
import { Icon, type IconName } from './icon.tsx'
import './parts.css'

const WIDTH = 260
const EDGE = 8

export function Menu({
  label,
  icon,
  children,
}: {
  readonly label: string
  readonly icon: IconName
  /** Called with what closes the panel. */
  readonly children: (close: () => void) => ReactNode
}) {
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const panel = useRef<HTMLDivElement>(null)
  const place = (event: ToggleEvent) => {
    if (event.newState !== 'open' || button.current === null || panel.current === null) return
    const box = button.current.getBoundingClientRect()
    const left = Math.max(EDGE, Math.min(box.right - WIDTH, innerWidth - WIDTH - EDGE))
    panel.current.style.inset = `${box.bottom + 6}px auto auto ${left}px`
  }
  return (
    <>
      <button ref={button} type="button" className="button small menu-button" popoverTarget={id}>
        <Icon name={icon} size={14} />
        {label}
      </button>
      {/* biome-ignore lint/a11y/useSemanticElements: a panel of links and buttons, not a form's fields */}
      <div
        ref={panel}
        id={id}
        popover="auto"
        className="menu part-menu"
        style={{ width: WIDTH }}
        role="group"
        aria-label={label}
        onBeforeToggle={place}
      >
        {children(() => panel.current?.hidePopover())}
      </div>
    </>
  )
}
