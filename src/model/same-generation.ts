/** Apart from its schema: who looks after the agent loads no library (`enforce/supervisor.ts`). */
import type { Generation } from './desired.ts'

export function sameGeneration(a: Generation, b: Generation | undefined): boolean {
  return b !== undefined && a.system === b.system && a.timeline === b.timeline && a.n === b.n
}
