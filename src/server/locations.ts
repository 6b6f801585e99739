/**
 * Location files: feeds with `use: location`. Each is read once, and again when it was written or replaced; a file that cannot
 * be read leaves the last good one in force. What a rule asks for is looked up once per file, since a walk takes a second for a
 * large country.
 */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { NO_PLACES, type Places } from '../decide/places.ts'
import { type LocationFile, openLocationFile } from '../observe/feeds/mmdb.ts'

/** `written`: which file it was read from, and as of when. */
export type LocationReading = { readonly written: string; readonly digest: string; readonly file: LocationFile }

/** Prefixes of one place; the largest country has 120,000. */
const MOST_PREFIXES = 250_000
const MAX_BYTES = 512 << 20

/** Throws with the path and what was attempted. */
export async function readLocations(path: string, last: LocationReading | undefined): Promise<LocationReading> {
  const unread = (cause: unknown) => {
    throw new Error(`read the location file ${path}`, { cause })
  }
  const about = await stat(path).catch(unread)
  const { ino, size, mtimeMs } = about
  const written = `${ino}:${mtimeMs}:${size}`
  if (last?.written === written) return last
  if (!about.isFile()) throw new Error(`the location file ${path} is no file`)
  if (size > MAX_BYTES) throw new Error(`the location file ${path} is over ${MAX_BYTES >> 20} MB`)
  const bytes = await readFile(path).catch(unread)
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32)
  if (last?.digest === digest) return { ...last, written }
  try {
    const file = openLocationFile(bytes)
    if (!file.tells.country && !file.tells.asn)
      throw new Error('its records tell neither country nor autonomous system')
    return { written, digest, file }
  } catch (cause) {
    throw new Error(`understand the location file ${path} (a MaxMind DB is expected)`, { cause })
  }
}

/** Of several files that tell the same, the first. */
export function placesOf(readings: readonly LocationReading[]): Places {
  if (readings.length === 0) return NO_PLACES
  const known = new Map<string, ReturnType<Places['members']>>()
  const look = (place: Parameters<Places['members']>[0]): ReturnType<Places['members']> => {
    const kind = 'country' in place ? 'country' : 'asn'
    const reading = readings.find(({ file }) => file.tells[kind])
    if (reading === undefined) return 'no-data'
    const found = reading.file.prefixes(
      (one) => ('country' in place ? one.country === place.country : one.asn === place.asn),
      MOST_PREFIXES,
    )
    return found ?? 'too-many'
  }
  return {
    digest: readings.map(({ digest }) => digest).join(' '),
    members(place) {
      const key = JSON.stringify(place)
      const found = known.get(key) ?? look(place)
      known.set(key, found)
      return found
    },
  }
}
