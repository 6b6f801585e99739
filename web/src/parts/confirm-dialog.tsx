/** Asks once before something that matters: what will happen, in words, then one button with the same verb. */
import { t } from 'i18next'
import { type ReactNode, useState } from 'react'
import { ProblemError } from '../api/client.ts'
import { Button, HinderedButton } from './button.tsx'
import { Dialog } from './dialog.tsx'

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
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const go = async () => {
    setBusy(true)
    setWrong(null)
    try {
      await act()
      onClose()
    } catch (error) {
      setWrong(problemText(error))
      setBusy(false)
    }
  }
  return (
    <Dialog onClose={onClose} title={title} width={480}>
      <div className="plan-body">
        {children}
        {wrong === null ? null : (
          <p role="alert" className="wrong">
            {wrong}
          </p>
        )}
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

/** Fact, then cure, of a refusal. */
export function problemText(error: unknown): string {
  const problem = error instanceof ProblemError ? error.problem : null
  return [problem?.detail ?? problem?.title ?? String(error), problem?.cure].filter(Boolean).join(' ')
}
