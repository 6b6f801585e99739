/** EVE's times, `2026-11-21T08:22:07.123456+0100`: read by hand, the minute remembered, as there are three in every flow event. */
import { timeOf } from './csv-values.ts'

export type EveTimes = { /** Epoch ms, NaN for anything else. */ of(text: string): number }

const MINUTE = 16

export function createEveTimes(): EveTimes {
  let minute = ''
  let zone = ''
  let base = Number.NaN
  return {
    of(text) {
      const seconds = digits(text, 17, 19)
      const from = text.charCodeAt(19) === 46 ? 20 : 19
      let to = from
      while (to < text.length && text.charCodeAt(to) >= 48 && text.charCodeAt(to) <= 57) to++
      if (seconds < 0 || to - from > 9 || text.charCodeAt(16) !== 58) return Number.NaN
      if (!text.startsWith(minute) || minute === '' || !text.endsWith(zone) || text.length !== to + zone.length) {
        minute = text.slice(0, MINUTE)
        zone = text.slice(to)
        base = timeOf(`${minute}:00${zone}`, null)
      }
      return seconds > 60
        ? Number.NaN
        : base + seconds * 1_000 + (to > from ? (digits(text, from, to) * 1_000) / 10 ** (to - from) : 0)
    },
  }
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
