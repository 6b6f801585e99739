/**
 * The filter language of tables, URLs and the CLI: words that must all hold. `persona:X` believed or assigned, `wears:X`,
 * `label:k=v`, `risk>0.4` (also < >= <=), `host:X`, `abstains`; anything else is looked for in name, key and addresses.
 */
import { DEFAULT_PERSONA } from '../model/belief.ts'
import { slug } from '../model/ids.ts'
import type { WorkloadRecord } from '../model/records.ts'
import type { Outcome } from '../model/why.ts'

export type WorkloadFilter = (workload: WorkloadRecord) => boolean

const MAX_WORDS = 20

export function parseWorkloadQuery(text: string): Outcome<WorkloadFilter> {
  const words = text.match(/(?:[^\s"]+|"[^"]*")+/g) ?? []
  if (words.length > MAX_WORDS) return refuse(text, `more than ${MAX_WORDS} words`)
  const filters: WorkloadFilter[] = []
  for (const word of words) {
    const filter = parseWord(word.replaceAll('"', ''))
    if (filter === null) return refuse(word, `${JSON.stringify(word.slice(0, 60))} is not understood`)
    filters.push(filter)
  }
  return { ok: true, value: (workload) => filters.every((filter) => filter(workload)) }
}

function refuse(where: string, why: string): Outcome<never> {
  const cure = 'Use persona:NAME wears:NAME label:key=value risk>0.4 host:NAME abstains, or plain text.'
  return { ok: false, code: 'bad-filter', where: `q: ${where.slice(0, 60)}`, why, cure }
}

function parseWord(word: string): WorkloadFilter | null {
  const risk = /^risk(>=|<=|>|<)(.*)$/.exec(word)
  if (risk !== null) return riskFilter(risk[1]!, risk[2]!)
  if (word === 'abstains') return (w) => w.belief !== null && w.belief.believed === null
  const colon = word.indexOf(':')
  const value = word.slice(colon + 1)
  switch (colon < 0 ? '' : word.slice(0, colon)) {
    case 'persona':
      return value === ''
        ? null
        : (w) => slug(w.assigned?.name ?? w.belief?.believed ?? DEFAULT_PERSONA) === slug(value)
    case 'wears':
      return value === '' ? null : (w) => w.worn !== null && slug(w.worn.name) === slug(value)
    case 'host':
      return value === '' ? null : (w) => w.agent.toLowerCase() === value.toLowerCase()
    case 'label': {
      const equals = value.indexOf('=')
      if (equals < 1) return null
      return (w) => w.report.labels[value.slice(0, equals)] === value.slice(equals + 1)
    }
    default: {
      const text = word.toLowerCase()
      return (w) =>
        [w.report.name, w.report.key, w.id, ...w.report.addresses].some((t) => t.toLowerCase().includes(text))
    }
  }
}

function riskFilter(operator: string, figure: string): WorkloadFilter | null {
  const bound = Number(figure)
  if (figure === '' || !Number.isFinite(bound)) return null
  return (w) => {
    const value = w.risk?.value ?? 0
    if (operator === '>') return value > bound
    if (operator === '<') return value < bound
    return operator === '>=' ? value >= bound : value <= bound
  }
}

const ORDERS = {
  name: (a, b) => a.report.name.localeCompare(b.report.name),
  risk: (a, b) => (a.risk?.value ?? 0) - (b.risk?.value ?? 0),
  host: (a, b) => a.agent.localeCompare(b.agent),
  seen: (a, b) => a.lastSeen - b.lastSeen,
  rate: (a, b) => a.rate.out + a.rate.in - (b.rate.out + b.rate.in),
} as const satisfies Record<string, (a: WorkloadRecord, b: WorkloadRecord) => number>

/** `risk` ascending, `-risk` descending; null for an order that is not known. Ties by id, so that pages do not overlap. */
export function workloadOrder(text: string): ((a: WorkloadRecord, b: WorkloadRecord) => number) | null {
  const name = text.replace(/^-/, '')
  if (!Object.hasOwn(ORDERS, name)) return null
  const order = ORDERS[name as keyof typeof ORDERS]
  const sign = text.startsWith('-') ? -1 : 1
  return (a, b) => sign * order(a, b) || (a.id < b.id ? -1 : 1)
}
