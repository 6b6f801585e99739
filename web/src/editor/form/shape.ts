/** What a place of a manifest is asked for with: from its JSON Schema to a kind of control. Pure; the schema is the server's. */
import type { Schema } from '../schema-words.ts'

export type Alternative = { readonly name: string; readonly schema: Schema }
export type Control =
  | { readonly is: 'text' }
  | { readonly is: 'number' }
  /** A number and its unit in one text: `10mbit`. */
  | { readonly is: 'unit'; readonly units: readonly string[] }
  | { readonly is: 'choice'; readonly options: readonly (string | number | boolean)[] }
  | { readonly is: 'secret' }
  | { readonly is: 'list'; readonly item: Schema }
  | {
      readonly is: 'map'
      readonly fields: readonly { readonly key: string; readonly schema: Schema; readonly isRequired: boolean }[]
    }
  /** Names that somebody gives, each with a text. */
  | { readonly is: 'labels' }
  | { readonly is: 'oneOf'; readonly of: readonly Alternative[] }
  /** The schema says nothing: it is written as text. */
  | { readonly is: 'free' }

/** One value, written or chosen in its row. */
export type SingleControl = Extract<Control, { is: 'text' | 'number' | 'unit' | 'choice' | 'secret' }>

export type Path = readonly (string | number)[]
type Plain = string | number | boolean

export function controlOf(schema: Schema): Control {
  const { anyOf, properties } = schema
  if (anyOf !== undefined) return unionOf(anyOf)
  if (schema.const !== undefined) return { is: 'choice', options: [schema.const as Plain] }
  if (schema.enum !== undefined) return { is: 'choice', options: schema.enum as readonly Plain[] }
  switch (schema.type) {
    case 'boolean':
      return { is: 'choice', options: [true, false] }
    case 'integer':
    case 'number':
      return { is: 'number' }
    case 'string': {
      const units = unitsOf(schema.pattern ?? '')
      return units === null ? { is: 'text' } : { is: 'unit', units }
    }
    case 'array':
      return schema.items === undefined ? { is: 'free' } : { is: 'list', item: schema.items }
    case 'object': {
      if (properties === undefined) return schema.patternProperties === undefined ? { is: 'free' } : { is: 'labels' }
      const fields = Object.entries(properties).map(([key, one]) => {
        return { key, schema: one, isRequired: schema.required?.includes(key) === true }
      })
      return fields.length === 1 && fields[0]?.key === 'secret' ? { is: 'secret' } : { is: 'map', fields }
    }
    default:
      return { is: 'free' }
  }
}

export function isSingle(control: Control): control is SingleControl {
  return !['list', 'map', 'labels', 'oneOf', 'free'].includes(control.is)
}

function unionOf(of: readonly Schema[]): Control {
  if (of.every((one) => one.const !== undefined)) return { is: 'choice', options: of.map((one) => one.const as Plain) }
  if (of.every((one) => one.type !== 'object' && one.type !== 'array' && one.anyOf === undefined)) return { is: 'text' }
  return { is: 'oneOf', of: of.map((schema) => ({ name: nameOf(schema), schema })) }
}

function nameOf(schema: Schema): string {
  if (schema.const !== undefined) return String(schema.const)
  return schema.required?.join(', ') ?? Object.keys(schema.properties ?? {})[0] ?? schema.type ?? ''
}

/** `^\d{1,9}(\.\d{1,3})?(kbit|mbit|gbit)$`: digits, then one of a few words. */
function unitsOf(pattern: string): readonly string[] | null {
  const found = /^\^.*\\d.*\(([A-Za-z]+(?:\|[A-Za-z]+)+)\)\$$/.exec(pattern)
  return found === null ? null : found[1]!.split('|')
}

/** Which of several a value is; the nearest while it is none of them. */
export function whichOf(of: readonly Alternative[], value: unknown): number {
  const misses = of.map(({ schema }) => missesOf(schema, value))
  return misses.indexOf(Math.min(...misses))
}

const FAR = 1_000

function missesOf(schema: Schema, value: unknown): number {
  if (schema.const !== undefined) return schema.const === value ? 0 : FAR
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (schema.type !== 'object')
    return schema.type === (Array.isArray(value) ? 'array' : typeof value) ||
      (schema.type === 'integer' && typeof value === 'number')
      ? 0
      : FAR
  if (!isMap) return FAR
  const fields = schema.properties ?? {}
  const lacking = (schema.required ?? []).filter((key) => !Object.hasOwn(value, key)).length
  const wrong = Object.entries(value).filter(([key, one]) => {
    const field = Object.hasOwn(fields, key) ? controlOf(fields[key]!) : null
    return field === null || (field.is === 'choice' && !field.options.includes(one as Plain))
  }).length
  return 2 * lacking + wrong
}

/** What it begins as: everything that has to be there, empty where nobody can know. */
export function blank(schema: Schema, secret: string): unknown {
  if (schema.default !== undefined) return schema.default
  const control = controlOf(schema)
  switch (control.is) {
    case 'text':
      return ''
    case 'number':
      return schema.minimum ?? 1
    case 'unit':
      return `1${middle(control.units)}`
    case 'choice':
      return control.options[0]
    case 'secret':
      return { secret }
    case 'list':
      return [blank(control.item, secret)]
    case 'map':
      return Object.fromEntries(
        control.fields.flatMap((one) => (one.isRequired ? [[one.key, blank(one.schema, secret)]] : [])),
      )
    case 'labels':
      return { name: '' }
    case 'oneOf':
      return blank(control.of[0]!.schema, secret)
    case 'free':
      return {}
  }
}

export const middle = (units: readonly string[]) => units[Math.floor((units.length - 1) / 2)] ?? ''

/** `10mbit` → 10, mbit; what has another shape stays whole, so that nothing that was written is lost. */
export function splitUnit(
  text: string,
  units: readonly string[],
): { readonly amount: string; readonly unit: string | null } {
  const unit = [...units].sort((a, b) => b.length - a.length).find((one) => text.endsWith(one))
  const amount = unit === undefined ? text : text.slice(0, -unit.length)
  return unit === undefined || !/^[\d.]*$/.test(amount) ? { amount: text, unit: null } : { amount, unit }
}

/** What was typed, as YAML means it: `1.0` on its way to `1.05` stays text until it is a number that reads the same. */
export function numberOf(typed: string): string | number {
  return typed !== '' && String(Number(typed)) === typed ? Number(typed) : typed
}

/** `allowedIPs` → `Allowed IPs` */
export function spelled(key: string): string {
  const words = key.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b}`)
  const lower = words.replace(/ ([A-Z])(?=[a-z])/g, (_, letter: string) => ` ${letter.toLowerCase()}`)
  return `${lower.slice(0, 1).toUpperCase()}${lower.slice(1)}`
}

export const isUnder = (path: Path, of: Path): boolean =>
  path.length >= of.length && of.every((step, i) => String(path[i]) === String(step))
