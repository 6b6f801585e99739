/** How much traffic nobody has seen yet, by the server's own sentence, and whether that is little enough to learn rules from. */
import { t } from 'i18next'
import { type GateShelf, useGate } from '../api/queries.ts'
import { sentence } from '../sentence.ts'

/** It is beside what the page is for: while it is asked, and where it cannot be answered, nothing stands here. */
export function GateLine({ shelf, id }: { readonly shelf: GateShelf; readonly id: string }) {
  const { data } = useGate(shelf, id)
  if (data === undefined) return null
  return (
    <p className="gate-line">
      <b>{sentence(data.sentence)}</b>{' '}
      <span className="qq">{t(data.verdict === 'ready' ? 'gate.ready' : 'gate.wait', { why: data.why })}</span>
    </p>
  )
}
