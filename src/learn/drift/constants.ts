/**
 * The one set of numbers for every series. Nothing here knows what a metric is: times are in rows, sizes in robust units
 * of the series itself. Chosen by structure on the Numenta benchmark's development files (the bench prints each of its
 * folders at the threshold that the others would choose).
 * Some 120 variants were tried there, so the figure of those files flatters: small moves of a value cost one to two points,
 * other scales or reach of the wide regimes up to five. With 40 to 230 rows cut off the start of every file the same numbers
 * gave 70.5 to 72.5 at the best threshold of each cut, 68.6 to 71.6 around it: expect that elsewhere, or less.
 */

/** Rows before anything is judged: fewer have no spread to speak of. */
export const WARM_ROWS = 30

/** Rows that a mean or a spread looks back, at most (all rows, until there are so many). */
export const MEMORY_ROWS = { level: 1_500, season: 1_000, regime: 6_000 } as const
/** One deviation moves a spread by at most so many spreads, so that one outlier does not blind the detector. */
export const CLIP = { level: 6, season: 5, regime: 20 } as const

/** Rows of the short mean whose shift is judged. */
export const SHORT_ROWS = 10

/** Slots of the day, at most; a step over a quarter of a day leaves no season to learn. */
export const SEASON = { slots: 96, daySeconds: 86_400, longestStepSeconds: 21_600, gain: 0.05 } as const

/**
 * What was seen before, at two sets of time scales (rows): a point is the value with its means over so many rows, in units
 * of the series' spread. A point farther than `reach` from every known one becomes known itself; the one longest unseen goes.
 */
export const REGIMES = {
  close: { scales: [1, 4, 16, 64], reach: 0.8 },
  wide: { scales: [1, 12, 144], reach: 1.2 },
  known: 128,
  least: 0.3,
} as const

/** Histogram of log sizes: bins per e-fold, lowest log size, bins, rows before old ones weigh half. */
export const TAIL = { perFold: 10, lowest: -6, bins: 160, rows: 32_000 } as const
/** How fast the tail falls beyond the largest size seen (e-folds), and how fast that largest is forgotten per row. */
export const BEYOND = { fold: 0.1, forget: 0.999_95, share: 0.5 } as const

/** Weights of the surprises (−log10 of a tail probability each): what never was counts most. */
export const WEIGHT = { season: 0.5, level: 0.1, step: 0.2, regimeAlone: 1.7 } as const

/** The surprise that a series usually reaches in a block of rows is taken off, in part: a nervous series has to shout. */
export const USUAL = { rows: 100, share: 0.6, start: 1.5, startBlocks: 5, blocks: 60, most: 4 } as const

/** Surprise at which the score is one half: an alarm. */
export const ALARM = 2.6
/** One event is one alarm: rest after it, as a share of the rows seen, and its bounds in rows. */
export const REST = { share: 0.045, least: 20, most: 600 } as const

/** Change of level: rows back that are searched, rows a level has at least, and what it must gain (times ln rows). */
export const CHANGE = { window: 64, least: 4, overOne: 16, overLine: 5 } as const
/** A short mean so many spreads off its baseline is away from it. */
export const AWAY_SPREADS = 2
