/** Text that was not saved, kept in this tab until it is saved or let go: leaving the page, in whatever way, loses nothing. */
export type Draft = {
  readonly text: string
  /** Of what it was written against; 0 = something new. */
  readonly version: number
  /** epoch ms */
  readonly at: number
}

const PREFIX = 'guise-draft '

export function readDraft(name: string): Draft | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(PREFIX + name) ?? 'null')
    if (typeof found !== 'object' || found === null) return null
    const { text, version, at } = found as Record<string, unknown>
    return typeof text === 'string' && typeof version === 'number' && typeof at === 'number'
      ? { text, version, at }
      : null
  } catch {
    return null
  }
}

export function keepDraft(name: string, draft: Draft): void {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(draft))
  } catch {
    // No room or no storage: the browser's own question before the page closes still stands.
  }
}

export function dropDraft(name: string): void {
  sessionStorage.removeItem(PREFIX + name)
}
