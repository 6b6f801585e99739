/** Who did it: a token's `NAME`, `session:NAME` of the console, `agent:ID`, or `guise` itself. */

/** Without how they came in: `mira` by a token and `session:mira` in the console are one person, who approves nothing of their own. */
export function personOf(actor: string): string {
  return actor.replace(/^session:/, '')
}

export function isSamePerson(actor: string, other: string): boolean {
  return personOf(actor) === personOf(other)
}
