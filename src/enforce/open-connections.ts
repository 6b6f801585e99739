/** What is open in a namespace, TCP and UDP, as lines of `ss` (ss(8)): what is over, or was never answered, is none. */
import { inside } from './step.ts'

const STATES = ['state', 'connected', 'exclude', 'time-wait', 'exclude', 'syn-sent']

/** `which`: a filter in the words of ss; none = all. `null` = our own namespace. */
export function openConnections(namespace: string | null, which: readonly string[] = []): Promise<string> {
  return inside(namespace, 'ss', ['-Htun', ...STATES, ...which])
}
