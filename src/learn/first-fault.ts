/**
 * Checks of a value that may be anything, stopping at the first place that is wrong: a file of a million numbers is looked
 * through once, and a wrong one is told by its JSON pointer. (A schema's list of all errors takes a second for such a file.)
 */
export type Fault = { readonly where: string; readonly why: string }
export type Check = (value: unknown, where: string) => Fault | null

export const number =
  ({
    from = -Number.MAX_VALUE,
    to = Number.MAX_VALUE,
    above = Number.NEGATIVE_INFINITY,
    below = Number.POSITIVE_INFINITY,
  }: {
    readonly from?: number
    readonly to?: number
    readonly above?: number
    readonly below?: number
  } = {}): Check =>
  (value, where) => {
    if (typeof value !== 'number') return { where, why: 'is no number' }
    return value >= from && value <= to && value > above && value < below ? null : { where, why: 'is out of range' }
  }

export const whole =
  (from: number): Check =>
  (value, where) =>
    Number.isSafeInteger(value) && (value as number) >= from
      ? null
      : { where, why: `is no whole number of ${from} or more` }

export const text =
  (form: RegExp, what: string): Check =>
  (value, where) =>
    typeof value === 'string' && form.test(value) ? null : { where, why: `is ${what}` }

export const orNull =
  (check: Check): Check =>
  (value, where) =>
    value === null ? null : check(value, where)

export const optional =
  (check: Check): Check =>
  (value, where) =>
    value === undefined ? null : check(value, where)

export const list =
  (item: Check, least = 0, most = Number.POSITIVE_INFINITY): Check =>
  (value, where) => {
    if (!Array.isArray(value)) return { where, why: 'is no list' }
    if (value.length < least) return { where, why: `has fewer than ${least} entries` }
    if (value.length > most) return { where, why: `has more than ${most} entries` }
    for (let i = 0; i < value.length; i++) {
      const fault = item(value[i], where)
      if (fault !== null) return { where: `${where}/${i}${fault.where.slice(where.length)}`, why: fault.why }
    }
    return null
  }

/** What else stands in it is nobody's business. */
export const shape =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { where, why: 'is no object' }
    for (const [name, check] of Object.entries(fields)) {
      const place = `${where}/${name}`
      const own = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
      const fault = check(own, place)
      if (fault !== null) return own === undefined ? { where: place, why: 'is missing' } : fault
    }
    return null
  }
