/** EVE's times, `2026-11-21T08:22:07.123456+0100`: read by hand, the minute remembered, as there are three in every flow event. */
import { viewOf } from './bytes-view.ts'
import { timeOf } from './csv-values.ts'

export type EveTimes = {
  /** Epoch ms, NaN for anything else. */
  of(text: string): number
  /** The same of ASCII bytes [from, to). */
  at(bytes: Uint8Array, from: number, to: number): number
}

const MINUTE = 16
const [COLON, DOT] = [58, 46]

export function createEveTimes(): EveTimes {
  let minute = ''
  /** Its bytes, four at a time. */
  const pieces = new Int32Array(MINUTE / 4)
  let zone = ''
  let base = Number.NaN
  const times: EveTimes = {
    at(bytes, from, to) {
      let i = from + 20
      let fraction = 0
      let scale = 1
      if (bytes[from + 19] === DOT)
        for (let digit = bytes[i]! - 48; digit >= 0 && digit <= 9; digit = bytes[++i]! - 48) {
          fraction = fraction * 10 + digit
          scale *= 10
        }
      else i--
      const tens = bytes[from + 17]! - 48
      const ones = bytes[from + 18]! - 48
      const isKnown =
        minute !== '' &&
        bytes[from + 16] === COLON &&
        tens >= 0 &&
        tens <= 5 &&
        ones >= 0 &&
        ones <= 9 &&
        scale <= 1e9 &&
        to - from >= MINUTE &&
        to - i === zone.length &&
        isMinute(pieces, viewOf(bytes), from) &&
        isText(zone, bytes, i)
      if (isKnown) return base + (tens * 10 + ones) * 1_000 + (fraction * 1_000) / scale
      return times.of(String.fromCharCode(...bytes.subarray(from, Math.min(to, from + 64))))
    },
    of(text) {
      const seconds = digits(text, 17, 19)
      const from = text.charCodeAt(19) === 46 ? 20 : 19
      let to = from
      while (to < text.length && text.charCodeAt(to) >= 48 && text.charCodeAt(to) <= 57) to++
      if (seconds < 0 || to - from > 9 || text.charCodeAt(16) !== 58) return Number.NaN
      if (!text.startsWith(minute) || minute === '' || !text.endsWith(zone) || text.length !== to + zone.length) {
        minute = text.slice(0, MINUTE)
        zone = text.slice(to)
        for (let i = 0; i < MINUTE; i++) pieces[i >> 2] = (pieces[i >> 2]! << 8) | (minute.charCodeAt(i) & 255)
        base = timeOf(`${minute}:00${zone}`, null)
      }
      return seconds > 60
        ? Number.NaN
        : base + seconds * 1_000 + (to > from ? (digits(text, from, to) * 1_000) / 10 ** (to - from) : 0)
    },
  }
  return times
}

function isMinute(pieces: Int32Array, view: DataView, from: number): boolean {
  return (
    view.getInt32(from) === pieces[0] &&
    view.getInt32(from + 4) === pieces[1] &&
    view.getInt32(from + 8) === pieces[2] &&
    view.getInt32(from + 12) === pieces[3]
  )
}

function isText(text: string, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false
  return true
}

/** −1 when there is anything but digits. */
function digits(text: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}
