/** What may be written at a place, from the JSON Schema of the kind: field names and values with what they mean. */

export type Schema = {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
  readonly pattern?: string
  readonly description?: string
}
export type Word = {
  readonly text: string
  readonly detail: string
  readonly info: string | null
  readonly isRequired: boolean
}

/** Every schema that may stand at the path: unions are followed on all sides. */
export function schemasAt(root: Schema, path: readonly (string | number)[]): readonly Schema[] {
  let here = forms(root)
  for (const step of path)
    here = here.flatMap((one) => {
      const next =
        typeof step === 'number' ? one.items : (one.properties?.[step] ?? Object.values(one.patternProperties ?? {})[0])
      return next === undefined ? [] : forms(next)
    })
  return here
}

function forms(schema: Schema): readonly Schema[] {
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(forms)
}

export function keyWords(root: Schema, path: readonly (string | number)[], taken: readonly string[]): readonly Word[] {
  const found = new Map<string, Word>()
  for (const one of schemasAt(root, path))
    for (const [text, field] of Object.entries(one.properties ?? {}))
      if (!taken.includes(text) && !found.has(text))
        found.set(text, {
          text,
          detail: typeText(field),
          info: field.description ?? null,
          isRequired: one.required?.includes(text) === true,
        })
  return [...found.values()]
}

export function valueWords(root: Schema, path: readonly (string | number)[]): readonly Word[] {
  const words = schemasAt(root, path).flatMap((one): Word[] => {
    const word = (value: unknown): Word => ({
      text: String(value),
      detail: one.default === value ? 'default' : '',
      info: one.description ?? null,
      isRequired: false,
    })
    if (one.const !== undefined) return [word(one.const)]
    if (one.enum !== undefined) return one.enum.map(word)
    return one.type === 'boolean' ? [word(true), word(false)] : []
  })
  return [...new Map(words.map((word) => [word.text, word])).values()]
}

function typeText(schema: Schema): string {
  const kinds = forms(schema).map((one) => {
    if (one.const !== undefined) return String(one.const)
    if (one.enum !== undefined) return one.enum.slice(0, 4).join(' | ')
    if (one.type === 'array') return 'list'
    if (one.type === 'object') return 'map'
    if (one.minimum !== undefined && one.maximum !== undefined) return `${one.minimum}–${one.maximum}`
    return one.type ?? ''
  })
  return [...new Set(kinds)].filter(Boolean).slice(0, 4).join(' | ')
}
