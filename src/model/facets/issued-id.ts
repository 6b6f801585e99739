/** How an agent names what was issued for it. Apart from the schemas, because its supervisor loads no more than it must. */
import { createHash } from 'node:crypto'
import type { Issue } from './tls.ts'

const USUAL_DAYS = 30

export function daysOf(issue: Issue): number {
  return issue.days ?? USUAL_DAYS
}

/** Another workload, name, list of names or life is another certificate. */
export function issuedId(workload: string, name: string, issue: Issue): string {
  const text = JSON.stringify([workload, name, issue.names, daysOf(issue)])
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
