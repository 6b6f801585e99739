/** The words of the schema, and names that exist, as completions: a field brings its colon, a list its first dash. */
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { t } from 'i18next'
import { keyWords, type Schema, schemasAt, valueWords, type Word } from './schema-words.ts'
import { placeAt } from './yaml-place.ts'

type Given = {
  readonly schema: Schema | null
  readonly names: Readonly<Record<string, readonly string[]>>
  readonly readOnly: boolean
}

export function wordSource(given: () => Given) {
  return (context: CompletionContext): CompletionResult | null => {
    const { schema, names, readOnly } = given()
    if (schema === null || readOnly) return null
    const place = placeAt(context.state.doc.toString(), context.pos)
    if (place === null) return null
    if (place.typed === '' && !context.explicit && place.at === 'key') return null
    const from = context.pos - place.typed.length
    if (place.at === 'key')
      return {
        from,
        options: keyWords(schema, place.path, place.taken).map((word) => fieldOption(schema, place.path, word)),
        validFor: /^[\w-]*$/,
      }
    const named = names[String(place.path.at(-1))] ?? []
    const options = [
      ...valueWords(schema, place.path).map(valueOption),
      ...named.map((name) => ({ label: name, type: 'text' })),
    ]
    return options.length === 0 ? null : { from, options, validFor: /^[\w -]*$/ }
  }
}

function fieldOption(schema: Schema, path: readonly (string | number)[], word: Word): Completion {
  const [first] = schemasAt(schema, [...path, word.text])
  const isHeld = first?.type === 'array' || first?.type === 'object'
  return {
    label: word.text,
    apply: isHeld ? `${word.text}:` : `${word.text}: `,
    detail: word.isRequired ? t('editor.required', { type: word.detail }) : word.detail,
    boost: word.isRequired ? 1 : 0,
    ...info(word),
  }
}

function valueOption(word: Word): Completion {
  return { label: word.text, detail: word.detail, ...info(word) }
}

/** What the schema says, else what the console knows of the word. */
function info({ text, info: said }: Word): { info?: string } {
  const known: Readonly<Record<string, string>> = t('editor.means', { returnObjects: true })
  const words = said ?? (Object.hasOwn(known, text) ? known[text] : undefined)
  return words === undefined ? {} : { info: words }
}
