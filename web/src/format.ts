/** Numbers and times as people read them here: units never wrap, a minus is a minus sign, durations have one unit. */

const NBSP = '\u00a0'
const THIN = '\u2009'

const group = new Intl.NumberFormat('en', { useGrouping: true, maximumFractionDigits: 0 })

/** `214`, `9999`, `10 000` with a thin space from ten thousand on. */
export function count(n: number): string {
  return Math.abs(n) < 10_000 ? String(Math.round(n)) : group.format(n).replaceAll(',', THIN)
}

/** Belief and risk: two decimals, never per cent. */
export function probability(p: number): string {
  return p.toFixed(2)
}

/** Log-odds with a sign: `+2.1`, `−0.4`. */
export function signed(x: number): string {
  const text = Math.abs(x).toFixed(1)
  return text === '0.0' ? '0.0' : `${x < 0 ? '\u2212' : '+'}${text}`
}

/** A number that carries its sign only when negative, for bases and sums. */
export function plain(x: number): string {
  return x < 0 ? `\u2212${Math.abs(x).toFixed(1)}` : x.toFixed(1)
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Decimal units, at most three digits: `612 MB`, `4.2 GB`. */
export function bytes(n: number): string {
  let value = Math.max(0, n)
  let unit = 0
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1
  return `${value.toFixed(digits).replace(/\.0$/, '')}${NBSP}${BYTE_UNITS[unit]}`
}

export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`
}

/** One unit: `38 ms`, `12 s`, `22 min`, `3 h`, `9 d`. */
export function duration(ms: number): string {
  const abs = Math.abs(ms)
  if (abs < 1_000) return `${Math.round(abs)}${NBSP}ms`
  if (abs < 60_000) return `${Math.floor(abs / 1_000)}${NBSP}s`
  if (abs < 3_600_000) return `${Math.floor(abs / 60_000)}${NBSP}min`
  if (abs < 86_400_000) return `${Math.floor(abs / 3_600_000)}${NBSP}h`
  return `${Math.floor(abs / 86_400_000)}${NBSP}d`
}

/** How long ago, for tables: under five seconds is "now". */
export function ago(at: number, now: number): string {
  const ms = now - at
  return ms < 5_000 ? 'now' : duration(ms)
}

/** `1:34` left until a deadline; never below zero. */
export function countdown(until: number, now: number): string {
  const s = Math.max(0, Math.ceil((until - now) / 1_000))
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`
}

const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const secondsFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const fullFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})

export function clock(at: number): string {
  return clockFormat.format(at)
}
export function clockSeconds(at: number): string {
  return secondsFormat.format(at)
}
export function day(at: number): string {
  return dayFormat.format(at)
}
/** Absolute, with zone: the tooltip of every relative time. */
export function absolute(at: number): string {
  return fullFormat.format(at)
}

/** Deadlines: absolute first. `18:21, in 4 h`. */
export function deadline(at: number, now: number): string {
  const far = Math.abs(at - now) >= 20 * 3_600_000
  const when = far ? `${day(at)} ${clock(at)}` : clock(at)
  return at <= now ? `${when}, ${duration(now - at)} ago` : `${when}, in ${duration(at - now)}`
}

const WORDS = ['None', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine'] as const
/** Small counts as words at the start of a sentence. */
export function countWord(n: number): string {
  return WORDS[n] ?? count(n)
}
