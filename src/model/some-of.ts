/** A list of names in a sentence: the first of them, and how many there are besides. */

/** `web1, web2 and 3 more` */
export function someOf(names: readonly string[], most: number, between = ', '): string {
  const rest = names.length - most
  return `${names.slice(0, most).join(between)}${rest > 0 ? ` and ${rest} more` : ''}`
}
