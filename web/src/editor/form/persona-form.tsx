/**
 * A persona as a form beside its text: every facet that the schema of the server knows, what is worn opened by a click, the rest
 * one line each. Both edit one document. A chunk of its own; policies are written as text.
 */
import { useQuery } from '@tanstack/react-query'
import { t } from 'i18next'
import { useMemo, useState } from 'react'
import type { PreviewFault } from '../../../../src/model/preview.ts'
import { get } from '../../api/client.ts'
import { usePersonas } from '../../api/queries.ts'
import type { Page } from '../../nouns.ts'
import { sentence } from '../../sentence.ts'
import { addWords } from '../../words/words.ts'
import { addFacet } from '../facet-snippets.ts'
import type { Schema } from '../schema-words.ts'
import type { Edits } from './edits.ts'
import { Field } from './field.tsx'
import './form.css'
import { formWords } from './form-words.ts'
import { labelOf, meaningOf } from './labels.ts'
import { Fields } from './map.tsx'
import { blank, controlOf, isSingle, isUnder, type Path } from './shape.ts'
import { addAt, raiseAt, readYaml, removeAt, renameAt, setAt } from './yaml-text.ts'

addWords(formWords)

type Props = {
  readonly text: string
  readonly write: (text: string) => void
  readonly schema: Schema
  readonly faults: readonly PreviewFault[]
  readonly secrets: readonly string[]
  readonly readOnly: boolean
}
type Part = { readonly key: string; readonly path: Path; readonly schema: Schema }
type Carried = { readonly facet: string; readonly drivers: readonly string[]; readonly others: readonly string[] }

const PROFILE: Path = ['spec', 'profile']

export default function PersonaForm({ text, write, schema, faults, secrets, readOnly }: Props) {
  const held = useMemo(() => readYaml(text), [text])
  const personas = usePersonas().data ?? []
  const carried = useQuery({
    queryKey: ['facets'],
    queryFn: async ({ signal }) => (await get<Page<Carried>>('/v1/facets', signal)).items,
    staleTime: Infinity,
  }).data
  const edits: Edits = {
    set: (path, value) => write(setAt(text, path, value)),
    add: (path, value) => write(addAt(text, path, value)),
    remove: (path) => write(removeAt(text, path)),
    raise: (path, at) => write(raiseAt(text, path, at)),
    rename: (path, from, to) => write(renameAt(text, path, from, to)),
    faults,
    secrets,
    personas: personas.map((one) => one.manifest.metadata.name),
  }
  const groups = groupsOf(schema)
  return (
    <section className="surface persona-form" aria-labelledby="form-title">
      <h2 id="form-title">{t('form.title')}</h2>
      <p className="sub">{t('form.lead')}</p>
      {held.ok ? (
        <fieldset className="form-whole" disabled={readOnly}>
          <legend className="vh">{t('form.title')}</legend>
          {groups.map(({ name, parts }) => (
            <div key={name}>
              <h3>{t(`form.group.${name}`)}</h3>
              {parts.map((part) => (
                <PartForm
                  key={part.key}
                  part={part}
                  value={valueAt(held.value, part.path)}
                  edits={edits}
                  carried={carried?.find(({ facet }) => facet === facetOf(part.key)) ?? null}
                  onAdd={() => write(begun(text, part, secrets[0] ?? ''))}
                />
              ))}
            </div>
          ))}
        </fieldset>
      ) : (
        <p className="wrong" role="status">
          {t(`form.refused.${held.reason}`, { line: held.line })}
        </p>
      )}
    </section>
  )
}

const RISK = ['mitigationRules', 'ladder']
const BESIDE = ['overlap']

function groupsOf(schema: Schema) {
  const { metadata, spec } = schema.properties ?? {}
  const { profile, ...rest } = spec?.properties ?? {}
  const parts = (of: Readonly<Record<string, Schema>>, way: Path): Part[] =>
    Object.entries(of).map(([key, one]) => ({ key, path: [...way, key], schema: one }))
  const own = parts(rest, ['spec'])
  return [
    {
      name: 'who',
      parts: [
        ...(metadata === undefined ? [] : [{ key: 'metadata', path: ['metadata'], schema: metadata }]),
        ...own.filter(({ key }) => !RISK.includes(key) && !BESIDE.includes(key)),
      ],
    },
    { name: 'worn', parts: parts(profile?.properties ?? {}, PROFILE) },
    { name: 'risk', parts: own.filter(({ key }) => RISK.includes(key)) },
    { name: 'beside', parts: own.filter(({ key }) => BESIDE.includes(key)) },
  ] as const
}

/** Its own rules are one facet with what happens to the rest. */
const facetOf = (key: string) => (key === 'rules' || key === 'default' ? 'policies' : key)

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (held, key) => (typeof held === 'object' && held !== null ? (held as Record<string, unknown>)[key] : undefined),
    value,
  )
}

/** A whole, harmless example where there is one. */
function begun(text: string, { key, path, schema }: Part, secret: string): string {
  return addFacet(text, key, secret === '' ? 'NAME' : secret)?.text ?? setAt(text, path, blank(schema, secret))
}

function nameOf(key: string): string {
  const facets: Readonly<Record<string, string>> = t('editor.facet', { returnObjects: true })
  return Object.hasOwn(facets, key) ? facets[key]! : labelOf(key)
}

function PartForm(props: {
  readonly part: Part
  readonly value: unknown
  readonly edits: Edits
  readonly carried: Carried | null
  readonly onAdd: () => void
}) {
  const { part, value, edits, carried } = props
  const [isOpen, setOpen] = useState(false)
  const name = nameOf(part.key)
  const control = controlOf(part.schema)
  const wrong = edits.faults.filter((one) => isUnder(one.path, part.path))
  if (value === undefined && !isSingle(control))
    return (
      <div className="form-facet absent">
        <span>{name}</span>
        <span className="sub">{t('form.notWorn')}</span>
        {carried !== null && carried.drivers.length === 0 ? (
          <span className="sub">{t('form.carriedByNone')}</span>
        ) : (
          <button
            type="button"
            className="link"
            aria-label={t('form.add', { what: name })}
            onClick={() => {
              props.onAdd()
              setOpen(true)
            }}
          >
            {t('form.addWord')}
          </button>
        )}
      </div>
    )
  if (isSingle(control))
    return (
      <div className="form-facet single">
        <Field edits={edits} schema={part.schema} path={part.path} value={value} label={name} isRequired={false} />
      </div>
    )
  return (
    <details className="form-facet" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <b>{name}</b>
        <span className="sub cut">{brief(value)}</span>
        {wrong.length === 0 ? null : <span className="wrong n">{t('form.wrong', { count: wrong.length })}</span>}
      </summary>
      <div className="form-body">
        <Known part={part} carried={carried} />
        {control.is === 'map' ? (
          <Fields edits={edits} path={part.path} value={value} label={name} control={control} />
        ) : (
          <Field edits={edits} schema={part.schema} path={part.path} value={value} label={name} isRequired={false} />
        )}
        {part.key === 'metadata' ? null : (
          <p className="form-more">
            <button type="button" className="link" onClick={() => edits.remove(part.path)}>
              {t('form.remove', { what: name })}
            </button>
          </p>
        )}
      </div>
    </details>
  )
}

/** What it means, and where it can be worn: a driver that lacks it refuses the plan, never drops it. */
function Known({ part, carried }: { readonly part: Part; readonly carried: Carried | null }) {
  const means = meaningOf(part.key, part.schema)
  const drivers: Readonly<Record<string, string>> = t('form.driver', { returnObjects: true })
  const list = (names: readonly string[]) => names.map((one) => drivers[one] ?? one).join(', ')
  const where =
    carried === null
      ? ''
      : carried.drivers.length === 0
        ? t('form.carriedByNone')
        : [
            t('form.carriedBy', { drivers: list(carried.drivers) }),
            ...(carried.others.length === 0 ? [] : [t('form.notBy', { drivers: list(carried.others) })]),
          ].join(' ')
  const words = [means === null ? '' : sentence(means), where].filter(Boolean).join(' ')
  return words === '' ? null : <p className="sub">{words}</p>
}

const BRIEF = 90

function brief(value: unknown): string {
  const text = said(value)
  return text.length > BRIEF ? `${text.slice(0, BRIEF)}…` : text
}

function said(value: unknown): string {
  if (Array.isArray(value)) return value.map(said).join(', ')
  if (typeof value !== 'object' || value === null) return String(value ?? '')
  return Object.entries(value)
    .map(([key, one]) => (typeof one === 'object' && one !== null ? said(one) : `${key} ${said(one)}`))
    .join(', ')
}
