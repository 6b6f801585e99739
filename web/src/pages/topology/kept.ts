/** Where nodes stood the last time, and where a person put them: kept in this browser, apart from any address. */
import type { Place } from './layout.ts'

const SLOTS = 'guise-map-slots'
const PINS = 'guise-map-pins'
const MOST = 3_000

function read<T>(key: string, fits: (value: unknown) => value is T): Map<string, T> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    return new Map(Object.entries(found as object).filter((entry): entry is [string, T] => fits(entry[1])))
  } catch {
    // Written by an older release, or by hand: places are found anew.
    return new Map()
  }
}

/** The newest are kept: a map gives them back in the order in which they were set. */
function write(key: string, values: ReadonlyMap<string, unknown>): void {
  try {
    localStorage.setItem(key, JSON.stringify(Object.fromEntries([...values].slice(-MOST))))
  } catch {
    // Full or switched off: the map is as good without.
  }
}

const isSlot = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0
const isPlace = (value: unknown): value is Place =>
  typeof value === 'object' &&
  value !== null &&
  Number.isFinite((value as Place).x) &&
  Number.isFinite((value as Place).y)

/** Slots are of one zoom: the same workload stands elsewhere when only its segment is shown. */
export function readSlots(scope: string): ReadonlyMap<string, number> {
  const own = `${scope} `
  const all = [...read(SLOTS, isSlot)].filter(([key]) => key.startsWith(own))
  return new Map(all.map(([key, slot]) => [key.slice(own.length), slot]))
}
export function keepSlots(scope: string, slots: ReadonlyMap<string, number>): void {
  const all = read(SLOTS, isSlot)
  for (const [id, slot] of slots) {
    all.delete(`${scope} ${id}`)
    all.set(`${scope} ${id}`, slot)
  }
  write(SLOTS, all)
}

export function readPins(scope: string): ReadonlyMap<string, Place> {
  const own = `${scope} `
  const all = [...read(PINS, isPlace)].filter(([key]) => key.startsWith(own))
  return new Map(all.map(([key, place]) => [key.slice(own.length), place]))
}
export function keepPin(scope: string, id: string, place: Place): void {
  write(PINS, read(PINS, isPlace).set(`${scope} ${id}`, place))
}
export function dropPins(scope: string): void {
  const others = [...read(PINS, isPlace)].filter(([key]) => !key.startsWith(`${scope} `))
  write(PINS, new Map(others))
}
