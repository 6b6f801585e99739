/** Asks once before something that matters: what will happen, in words, then one button with the same verb. */
import { t } from 'i18next'
import type { ReactNode } from 'react'
import { Button, HinderedButton } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { useSubmit, Wrong } from './submit.tsx'

export default function ConfirmDialog({
  title,
  verb,
  hindrance,
  act,
  onClose,
  children,
}: {
  readonly title: string
  /** on the button: `Switch to observe` */
  readonly verb: string
  /** why it cannot be done now; null when it can */
  readonly hindrance: string | null
  /** Resolves when it is done: the dialog closes. A rejection is shown and the dialog stays. */
  readonly act: () => Promise<void>
  readonly onClose: () => void
  /** the consequence */
  readonly children: ReactNode
}) {
  const { busy, wrong, submit } = useSubmit()
  const go = () =>
    submit(async () => {
      await act()
      onClose()
    })
  return (
    <Dialog onClose={onClose} title={title} width={480}>
      <div className="plan-body">
        {children}
        <Wrong text={wrong} />
        <div className="buttons">
          <HinderedButton loading={busy} hindrance={hindrance} data-autofocus onClick={() => void go()}>
            {verb}
          </HinderedButton>
          <Button variant="default" onClick={onClose}>
            {t('act.cancel')}
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
