/** A time as people write it in a table: seconds or milliseconds since 1970, or a date, UTC where no zone is given. */
export function readTime(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text)
    // Seconds reach 1e11 in the year 5138.
    return number > 1e11 ? number / 1_000 : number
  }
  const iso = text.replace(' ', 'T')
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(iso) || !iso.includes('T')
  return Date.parse(zoned ? iso : `${iso}Z`) / 1_000
}
