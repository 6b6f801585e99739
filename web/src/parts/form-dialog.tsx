/** Asks for what is needed, then does it: fields, what will come of it, one button with the same verb. */
import { type FormEvent, type ReactNode, useId } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { useSubmit, Wrong } from './submit.tsx'

export function FormDialog({
  title,
  verb,
  note,
  missing,
  act,
  onClose,
  children,
}: {
  readonly title: string
  /** on the button: `Shift to web-server` */
  readonly verb: string
  /** the consequence */
  readonly note: string
  /** what must be said first; null when nothing is left out */
  readonly missing: string | null
  /** Resolves when it is done: the dialog closes. A rejection is shown and the dialog stays. */
  readonly act: () => Promise<void>
  readonly onClose: () => void
  /** the fields; the id is of what describes the first of them: the note, or what is wrong */
  readonly children: (describedBy: string) => ReactNode
}) {
  const id = useId()
  const { busy, wrong, setWrong, submit } = useSubmit()
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    if (missing !== null) return setWrong(missing)
    void submit(async () => {
      await act()
      onClose()
    })
  }
  return (
    <Dialog onClose={onClose} width={440} title={title}>
      <form className="plan-body" onSubmit={onSubmit} noValidate>
        {children(wrong === null ? `${id}-note` : `${id}-wrong`)}
        <p id={`${id}-note`} className="sub">
          {note}
        </p>
        <Wrong id={`${id}-wrong`} text={wrong} />
        <div className="buttons">
          <Button type="submit" loading={busy}>
            {verb}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
