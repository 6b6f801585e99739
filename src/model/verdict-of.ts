/** What an action is to the packet: what is led elsewhere, or copied, is let through. */
import type { Action } from './policy.ts'

export function verdictOf(action: Action): Exclude<Action, 'redirect' | 'mirror'> {
  return action === 'redirect' || action === 'mirror' ? 'allow' : action
}
