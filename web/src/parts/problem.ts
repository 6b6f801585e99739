/** What a person reads of a refusal. */
import { ProblemError } from '../api/client.ts'

/** The fact alone. */
export function problemFact(error: unknown): string {
  return error instanceof ProblemError ? (error.problem.detail ?? error.problem.title) : String(error)
}

/** Fact, then cure. */
export function problemText(error: unknown): string {
  const cure = error instanceof ProblemError ? error.problem.cure : undefined
  return [problemFact(error), cure].filter(Boolean).join(' ')
}

/** A few words of it, for a sentence that says the rest. */
export function problemTitle(error: unknown): string {
  return error instanceof ProblemError ? error.problem.title : String(error)
}
