/**
 * A value against a closed schema, with every problem at its place and in words: unknown fields are named with the nearest
 * known one, unions say which forms there are. Written for the subset of JSON Schema that model/ uses.
 */

export type SchemaProblem = {
  readonly path: readonly (string | number)[]
  readonly why: string
  readonly cure: string
  /** Place the problem at the key, not at its value. */
  readonly atKey?: true
}

type Schema = {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: unknown
  readonly required?: readonly string[]
  readonly minProperties?: number
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly description?: string
}
type Path = readonly (string | number)[]

const MAX_PROBLEMS = 200

export function walkSchema(schema: object, value: unknown): SchemaProblem[] {
  const problems: SchemaProblem[] = []
  walk(schema as Schema, value, [], problems)
  return problems.slice(0, MAX_PROBLEMS)
}

function walk(schema: Schema, value: unknown, path: Path, out: SchemaProblem[]): void {
  if (out.length > MAX_PROBLEMS) return
  if (schema.anyOf !== undefined) {
    walkUnion(schema.anyOf, value, path, out)
    return
  }
  if (schema.enum !== undefined) {
    walkWords(schema.enum, value, path, out)
    return
  }
  if ('const' in schema) {
    if (value !== schema.const)
      out.push({ path, why: `${said(value)} is not ${said(schema.const)}`, cure: `write ${said(schema.const)}` })
    return
  }
  if (schema.type === 'object') {
    walkObject(schema, value, path, out)
    return
  }
  if (schema.type === 'array') {
    if (!Array.isArray(value))
      return void out.push({ path, why: `${nameOf(path)} is ${kindOf(value)}, not a list`, cure: 'write a list' })
    const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
    if (value.length < minItems || value.length > maxItems)
      out.push({
        path,
        why: `${nameOf(path)} has ${value.length} entries`,
        cure: `give ${minItems} to ${maxItems === Number.POSITIVE_INFINITY ? 'any number' : maxItems}`,
      })
    for (const [i, item] of value.slice(0, 10_000).entries()) walk(schema.items ?? {}, item, [...path, i], out)
    return
  }
  walkScalar(schema, value, path, out)
}

function walkObject(schema: Schema, value: unknown, path: Path, out: SchemaProblem[]): void {
  const isSecret = Object.keys(schema.properties ?? {}).join() === 'secret'
  // What stands there may be the secret itself: it is not repeated.
  if (isSecret && (typeof value !== 'object' || value === null))
    return void out.push({
      path,
      why: `${nameOf(path)} holds a value, and a manifest holds no secret`,
      cure: 'keep it with guise secret set NAME, and write { secret: NAME } here',
    })
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return void out.push({
      path,
      why: `${nameOf(path)} is ${kindOf(value)}, not a mapping`,
      cure: 'write fields below it',
    })
  const known = schema.properties ?? {}
  const patterns = Object.entries(schema.patternProperties ?? {})
  for (const [key, item] of Object.entries(value)) {
    if (Object.hasOwn(known, key)) walk(known[key]!, item, [...path, key], out)
    else {
      const match = patterns.find(([pattern]) => new RegExp(pattern).test(key))
      if (match !== undefined) walk(match[1], item, [...path, key], out)
      else out.push({ path: [...path, key], ...unknownField(key, path, Object.keys(known)), atKey: true })
    }
  }
  for (const key of schema.required ?? [])
    if (!Object.hasOwn(value, key))
      out.push({ path, why: `${nameOf(path)} has no ${key}`, cure: `add ${key}${hint(known[key])}` })
  if (Object.keys(value).length < (schema.minProperties ?? 0))
    out.push({
      path,
      why: `${nameOf(path)} is empty`,
      cure:
        Object.keys(known).length > 0
          ? `give at least one of ${Object.keys(known).join(', ')}`
          : 'give at least one entry: an empty selector would match nothing',
    })
}

function walkWords(known: readonly unknown[], value: unknown, path: Path, out: SchemaProblem[]): void {
  if (known.includes(value)) return
  const words = known.map(String)
  const near = typeof value === 'string' ? nearest(value, words) : null
  out.push({
    path,
    why: `${said(value)} is not known for ${nameOf(path)}`,
    cure: near === null ? `use one of ${words.join(', ')}` : `did you mean ${near}? (one of ${words.join(', ')})`,
  })
}

function walkUnion(forms: readonly Schema[], value: unknown, path: Path, out: SchemaProblem[]): void {
  if (forms.every((form) => 'const' in form)) {
    walkWords(
      forms.map((form) => form.const),
      value,
      path,
      out,
    )
    return
  }
  const tries = forms.map((form) => {
    const problems: SchemaProblem[] = []
    walk(form, value, path, problems)
    return { form, problems }
  })
  if (tries.some((one) => one.problems.length === 0)) return
  if (typeof value !== 'object' || value === null)
    return void out.push({
      path,
      why: `${nameOf(path)} is ${kindOf(value)}`,
      cure: `use one of ${forms.map(formName).join(', ')}`,
    })
  const keys = Object.keys(value)
  const ranked = tries
    .map((one) => ({
      ...one,
      shared: keys.filter((key) => agrees(one.form, key, (value as Record<string, unknown>)[key])).length,
      pinned: keys.some(
        (key) => isPinned(one.form, key) && agrees(one.form, key, (value as Record<string, unknown>)[key]),
      ),
    }))
    .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.shared - a.shared || a.problems.length - b.problems.length)
  if (ranked[0]!.shared > 0) return void out.push(...ranked[0]!.problems)
  const names = [...new Set(forms.flatMap((form) => Object.keys(form.properties ?? {})))]
  const strange = keys[0]
  out.push({
    path: strange === undefined ? path : [...path, strange],
    why: strange === undefined ? `${nameOf(path)} is empty` : `${nameOf(path)} has no form with ${said(strange)}`,
    cure: `use one of ${names.join(', ')}`,
  })
}

/** A field of this form, and, where the form pins its value, that value: tells `protocol: icmp` from `protocol: tcp`. */
function agrees(form: Schema, key: string, value: unknown): boolean {
  const field = form.properties?.[key]
  if (field === undefined) return false
  if ('const' in field) return field.const === value
  return field.anyOf?.every((one) => 'const' in one) === true ? field.anyOf.some((one) => one.const === value) : true
}

function isPinned(form: Schema, key: string): boolean {
  const field = form.properties?.[key]
  return field !== undefined && ('const' in field || field.anyOf?.every((one) => 'const' in one) === true)
}

function walkScalar(schema: Schema, value: unknown, path: Path, out: SchemaProblem[]): void {
  const found = scalarProblem(schema, value)
  if (found !== null) out.push({ path, why: `${nameOf(path)} ${found[0]}`, cure: found[1] })
}

function scalarProblem(schema: Schema, value: unknown): readonly [why: string, cure: string] | null {
  const problem = (why: string, cure: string) => [why, cure] as const
  if (schema.type === 'string') {
    if (typeof value !== 'string') return problem(`is ${kindOf(value)}, not text`, 'put it in quotes')
    const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
    if (value.length < minLength || value.length > maxLength)
      return problem(`has ${value.length} characters`, `give ${minLength} to ${maxLength}`)
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
      return problem(
        `is ${said(value)}, which does not have its form`,
        hint(schema).replace(/^: /, '') || `it must match ${schema.pattern}`,
      )
  } else if (schema.type === 'number' || schema.type === 'integer') {
    if (typeof value !== 'number' || !Number.isFinite(value))
      return problem(`is ${kindOf(value)}, not a number`, 'write a number')
    if (schema.type === 'integer' && !Number.isInteger(value)) return problem(`is ${value}`, 'write a whole number')
    const low = schema.minimum ?? schema.exclusiveMinimum ?? Number.NEGATIVE_INFINITY
    const high = schema.maximum ?? Number.POSITIVE_INFINITY
    if (value < low || value > high || value === schema.exclusiveMinimum)
      return problem(
        `is ${value}`,
        `give ${schema.exclusiveMinimum === undefined ? 'from' : 'above'} ${low} to ${high}`,
      )
  } else if (schema.type === 'boolean' && typeof value !== 'boolean')
    return problem(`is ${kindOf(value)}, not yes or no`, 'write true or false')
  return null
}

function unknownField(key: string, path: Path, known: readonly string[]): { why: string; cure: string } {
  if (key === '<<') return { why: 'merge keys (<<) are not taken', cure: 'write the fields out' }
  const near = nearest(key, known)
  return {
    why: `${said(key)} is not a field of ${nameOf(path)}`,
    cure: near === null ? `known here: ${known.join(', ') || 'nothing'}` : `did you mean ${near}?`,
  }
}

function hint(schema: Schema | undefined): string {
  if (schema?.description !== undefined) return `: ${schema.description}`
  return schema?.const === undefined ? '' : `: ${String(schema.const)}`
}
function formName(form: Schema): string {
  return 'const' in form ? String(form.const) : `{${Object.keys(form.properties ?? {}).join(', ')}}`
}
function nameOf(path: Path): string {
  return path.length === 0
    ? 'the manifest'
    : path
        .map((p) => (typeof p === 'number' ? `[${p}]` : p))
        .join('.')
        .replaceAll('.[', '[')
}
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty'
  return Array.isArray(value)
    ? 'a list'
    : typeof value === 'object'
      ? 'a mapping'
      : `the ${typeof value} ${said(value)}`
}
function said(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** The known word closest to what was written, when it is close enough to be a slip. */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null
  let least = Math.max(1, Math.floor(Math.min(word.length, 30) / 3)) + 0.5
  for (const candidate of known) {
    const d = editDistance(word.toLowerCase().slice(0, 64), candidate.toLowerCase())
    if (d < least) {
      best = candidate
      least = d
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
