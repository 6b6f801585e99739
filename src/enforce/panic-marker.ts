/** What a panic leaves in the agent's home, so that nobody puts back what it took off. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { effectSync } from './fault.ts'

export const panicMarker = (home: string) => join(home, 'panic')

export function isPanicked(home: string): boolean {
  return existsSync(panicMarker(home))
}

export function liftPanic(home: string): void {
  effectSync('panic remove', () => rmSync(panicMarker(home), { force: true }))
}
