/** Why a person cannot do something now, in words for beside the disabled control; the server judges, this says it beforehand. */
import { t } from 'i18next'
import { useLive } from '../api/live.ts'
import { useSession } from '../api/queries.ts'
import type { Role } from '../nouns.ts'

export const OPERATORS: readonly Role[] = ['operator', 'admin']
export const APPROVERS: readonly Role[] = ['approver', 'admin']

/** null: nothing stands in the way. `roles`: who may, the least first. */
export function useHindrance(roles: readonly Role[]): string | null {
  const live = useLive()
  const session = useSession().data
  if (live.state === 'reconnecting') return t('act.offline')
  if (session && !roles.includes(session.role)) return t('act.needsRole', { role: roles[0] ?? 'admin' })
  return null
}
