/** One place of the document as a control, whatever its schema says it is; lists and maps hold more of the same. */
import { t } from 'i18next'
import { type ReactNode, useId } from 'react'
import type { PreviewFault } from '../../../../src/model/preview.ts'
import { sentence } from '../../sentence.ts'
import type { Schema } from '../schema-words.ts'
import {
  blank,
  type Control,
  controlOf,
  isUnder,
  middle,
  numberOf,
  type Path,
  spelled,
  splitUnit,
  whichOf,
} from './shape.ts'

/** What every field is given: the text's change, what the server finds wrong, names that exist. */
export type Desk = {
  readonly set: (path: Path, value: unknown) => void
  readonly add: (path: Path, value: unknown) => void
  readonly remove: (path: Path) => void
  readonly raise: (path: Path, at: number) => void
  readonly rename: (path: Path, from: string, to: string) => void
  readonly faults: readonly PreviewFault[]
  readonly secrets: readonly string[]
  readonly personas: readonly string[]
}
type Props = {
  readonly desk: Desk
  readonly schema: Schema
  readonly path: Path
  readonly value: unknown
  /** what it is called, whole: for a screen reader `Routes 2, via` */
  readonly label: string
  readonly isRequired: boolean
}

export function labelOf(key: string | number): string {
  const known: Readonly<Record<string, string>> = t('form.label', { returnObjects: true })
  return Object.hasOwn(known, key) ? known[key]! : spelled(String(key))
}

function meaningOf(key: string | number, schema: Schema): string | null {
  const known: Readonly<Record<string, string>> = t('editor.means', { returnObjects: true })
  return schema.description ?? (Object.hasOwn(known, key) ? known[key]! : null)
}

/** Fact, then cure, of what is wrong at the place itself or, of a single control, anywhere in it. */
function wrongAt(faults: readonly PreviewFault[], path: Path, reach: 'here' | 'under'): string | null {
  const found = faults.filter(
    (one) => isUnder(one.path, path) && (reach === 'under' || one.path.length === path.length),
  )
  return found.length === 0 ? null : found.map(({ why, cure }) => `${sentence(why)} ${sentence(cure)}`).join(' ')
}

export function Field(props: Props): ReactNode {
  const control = controlOf(props.schema)
  switch (control.is) {
    case 'list':
      return <List {...props} control={control} />
    case 'map':
      return <Group {...props} control={control} />
    case 'labels':
      return <Labels {...props} />
    case 'oneOf':
      return <OneOf {...props} control={control} />
    case 'free':
      return <p className="sub form-free">{t('form.free')}</p>
    default:
      return <Single {...props} control={control} />
  }
}

type SingleControl = Extract<Control, { is: 'text' | 'number' | 'unit' | 'choice' | 'secret' }>

function Single(props: Props & { readonly control: SingleControl }) {
  const { desk, schema, path, control, isRequired } = props
  const id = useId()
  const key = path.findLast((step) => typeof step === 'string') ?? ''
  const wrong = wrongAt(desk.faults, path, 'under')
  const hint = meaningOf(key, schema)
  const described = [hint === null ? '' : `${id}-hint`, wrong === null ? '' : `${id}-wrong`].filter(Boolean).join(' ')
  const isItem = typeof path.at(-1) === 'number'
  const behind: Readonly<Record<string, string>> = t('form.behind', { returnObjects: true })
  return (
    <div className={isItem ? 'form-row item' : 'form-row'}>
      <label htmlFor={id} title={path.join('.')}>
        {isItem ? Number(path.at(-1)) + 1 : labelOf(key)}
        {isRequired && !isItem && isBlank(props.value) ? <span className="sub need"> {t('form.needed')}</span> : null}
      </label>
      <div className="form-control">
        <Input {...props} id={id} described={described === '' ? undefined : described} isWrong={wrong !== null} />
        {Object.hasOwn(behind, key) && control.is === 'number' ? <span className="sub unit">{behind[key]}</span> : null}
        {hint === null ? null : (
          <span className="vh" id={`${id}-hint`}>
            {hint}
          </span>
        )}
        {wrong === null ? null : (
          <span className="wrong" id={`${id}-wrong`}>
            {wrong}
          </span>
        )}
      </div>
    </div>
  )
}

const isBlank = (value: unknown) => value === undefined || value === null || value === ''

type InputProps = Props & {
  readonly control: SingleControl
  readonly id: string
  readonly described: string | undefined
  readonly isWrong: boolean
}

function Input({ desk, path, value, label, isRequired, control, id, described, isWrong }: InputProps) {
  // The label beside it is short; this is its place, too.
  const more = { id, 'aria-label': label, 'aria-describedby': described, 'aria-invalid': isWrong }
  const write = (next: unknown) =>
    next === '' && !isRequired && typeof path.at(-1) === 'string' ? desk.remove(path) : desk.set(path, next)
  const text = value === undefined || value === null || typeof value === 'object' ? '' : String(value)
  if (control.is === 'choice') {
    const chosen = control.options.indexOf(value as string)
    return (
      <select
        {...more}
        value={chosen < 0 ? '' : String(chosen)}
        onChange={({ currentTarget }) =>
          write(currentTarget.value === '' ? '' : control.options[Number(currentTarget.value)])
        }
      >
        {isRequired && chosen >= 0 ? null : <option value="">{text === '' ? t('form.none') : text}</option>}
        {control.options.map((one, i) => (
          <option key={String(one)} value={String(i)}>
            {String(one)}
          </option>
        ))}
      </select>
    )
  }
  if (control.is === 'secret')
    return <Secret desk={desk} path={path} value={value} isRequired={isRequired} more={more} />
  if (control.is === 'unit') {
    const { amount, unit } = splitUnit(text, control.units)
    const of = unit ?? middle(control.units)
    const units: Readonly<Record<string, string>> = t('form.units', { returnObjects: true })
    return (
      <>
        <input
          className="text-input amount"
          inputMode="decimal"
          autoComplete="off"
          {...more}
          value={amount}
          onChange={({ currentTarget }) => write(currentTarget.value === '' ? '' : `${currentTarget.value}${of}`)}
        />
        <select
          aria-label={t('form.unit', { what: label })}
          value={of}
          disabled={amount === ''}
          onChange={({ currentTarget }) => write(`${amount}${currentTarget.value}`)}
        >
          {control.units.map((one) => (
            <option key={one} value={one}>
              {units[one] ?? one}
            </option>
          ))}
        </select>
      </>
    )
  }
  const isName = path.at(-1) === 'persona'
  return (
    <>
      <input
        className={control.is === 'number' ? 'text-input amount' : 'text-input'}
        inputMode={control.is === 'number' ? 'decimal' : undefined}
        autoComplete="off"
        spellCheck={false}
        list={isName ? `${id}-names` : undefined}
        {...more}
        value={text}
        onChange={({ currentTarget }) =>
          write(
            control.is === 'number' || typeof value === 'number' ? numberOf(currentTarget.value) : currentTarget.value,
          )
        }
      />
      {isName ? (
        <datalist id={`${id}-names`}>
          {desk.personas.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      ) : null}
    </>
  )
}

/** Its value is nobody's to see: it is chosen by its name. */
function Secret(props: {
  readonly desk: Desk
  readonly path: Path
  readonly value: unknown
  readonly isRequired: boolean
  readonly more: object
}) {
  const { desk, path, value, isRequired, more } = props
  const held = typeof value === 'object' && value !== null ? (value as { secret?: unknown }).secret : undefined
  const name = typeof held === 'string' ? held : ''
  const isKept = name === '' || desk.secrets.includes(name)
  return (
    <>
      <select
        {...more}
        value={name}
        onChange={({ currentTarget }) =>
          currentTarget.value === '' ? desk.remove(path) : desk.set(path, { secret: currentTarget.value })
        }
      >
        {isRequired && name !== '' ? null : <option value="">{t('form.none')}</option>}
        {isKept ? null : <option value={name}>{t('form.missingSecret', { name })}</option>}
        {desk.secrets.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      {desk.secrets.length === 0 ? <span className="sub">{t('form.noSecrets')}</span> : null}
    </>
  )
}

/** `Peers 2`; its whole name is for those who hear it out of its place. */
function Legend({ path, label }: { readonly path: Path; readonly label: string }) {
  const last = path.at(-1)
  const list = path.findLast((step) => typeof step === 'string') ?? ''
  const short =
    typeof last === 'number' ? t('form.numbered', { what: labelOf(list), n: last + 1 }) : labelOf(last ?? '')
  return (
    <legend>
      <span aria-hidden="true">{short}</span>
      <span className="vh">{label}</span>
    </legend>
  )
}

function Wrong({ desk, path }: { readonly desk: Desk; readonly path: Path }) {
  const wrong = wrongAt(desk.faults, path, 'here')
  return wrong === null ? null : <p className="wrong">{wrong}</p>
}

function List({
  desk,
  path,
  value,
  label,
  isRequired,
  control,
}: Props & { control: Extract<Control, { is: 'list' }> }) {
  const items: readonly unknown[] = Array.isArray(value) ? value : []
  const inner = controlOf(control.item).is
  const isPlain = inner !== 'map' && inner !== 'oneOf' && inner !== 'list'
  return (
    <fieldset className={isPlain ? 'form-list' : 'form-list deep'}>
      <Legend path={path} label={label} />
      <Wrong desk={desk} path={path} />
      {items.map((one, i) => {
        const what = t('form.numbered', { what: label, n: i + 1 })
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a place in the text is what an item is
          <div key={i} className="form-item">
            <div className="form-item-body">
              <Field desk={desk} schema={control.item} path={[...path, i]} value={one} label={what} isRequired />
            </div>
            {isPlain || i === 0 ? null : (
              <button
                type="button"
                className="link"
                aria-label={t('form.up', { what })}
                onClick={() => desk.raise(path, i)}
              >
                {t('form.upWord')}
              </button>
            )}
            <button
              type="button"
              className="link"
              aria-label={t('form.remove', { what })}
              onClick={() => (items.length === 1 && !isRequired ? desk.remove(path) : desk.remove([...path, i]))}
            >
              {t('form.removeWord')}
            </button>
          </div>
        )
      })}
      <button
        type="button"
        className="link form-add"
        aria-label={t('form.add', { what: label })}
        onClick={() => desk.add(path, blank(control.item, desk.secrets[0] ?? ''))}
      >
        {t('form.addWord')}
      </button>
    </fieldset>
  )
}

const shortOf = (path: Path, label: string) => {
  const key = path.at(-1)
  return typeof key === 'string' ? labelOf(key) : label
}

function Group({ desk, path, value, label, control }: Props & { control: Extract<Control, { is: 'map' }> }) {
  return (
    <fieldset className="form-group">
      <Legend path={path} label={label} />
      <Fields desk={desk} path={path} value={value} label={label} control={control} />
    </fieldset>
  )
}

/** What has a control of its own stands there empty; what holds more is asked for by name. */
export function Fields({
  desk,
  path,
  value,
  label,
  control,
}: Pick<Props, 'desk' | 'path' | 'value' | 'label'> & { control: Extract<Control, { is: 'map' }> }) {
  const held = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  const isThere = (key: string) => Object.hasOwn(held, key)
  const isSingle = (schema: Schema) => !['list', 'map', 'labels', 'oneOf', 'free'].includes(controlOf(schema).is)
  const absent = control.fields.filter(({ key, schema }) => !isThere(key) && !isSingle(schema))
  const unknown = desk.faults.filter(
    (one) =>
      isUnder(one.path, path) &&
      one.path.length > path.length &&
      !control.fields.some(
        ({ key }) => key === one.path[path.length] && (isThere(key) || isSingle(schemaOf(control, key))),
      ),
  )
  return (
    <>
      <Wrong desk={desk} path={path} />
      {unknown.map(({ why, cure }) => (
        <p key={why} className="wrong">
          {sentence(why)} {sentence(cure)}
        </p>
      ))}
      {control.fields.map(({ key, schema, isRequired }) =>
        isThere(key) || isSingle(schema) ? (
          <div key={key} className={isSingle(schema) ? undefined : 'form-part'}>
            <Field
              desk={desk}
              schema={schema}
              path={[...path, key]}
              value={held[key]}
              label={`${label}, ${labelOf(key).toLowerCase()}`}
              isRequired={isRequired}
            />
            {isSingle(schema) || isRequired ? null : (
              <button
                type="button"
                className="link form-drop"
                aria-label={t('form.remove', { what: `${label}, ${labelOf(key).toLowerCase()}` })}
                onClick={() => desk.remove([...path, key])}
              >
                {t('form.removeWord')}
              </button>
            )}
          </div>
        ) : null,
      )}
      {absent.length === 0 ? null : (
        <p className="form-more">
          {absent.map(({ key, schema }) => (
            <button
              key={key}
              type="button"
              className="link"
              aria-label={t('form.add', { what: `${label}, ${labelOf(key).toLowerCase()}` })}
              onClick={() => desk.set([...path, key], blank(schema, desk.secrets[0] ?? ''))}
            >
              <span aria-hidden="true">+ </span>
              {labelOf(key).toLowerCase()}
            </button>
          ))}
        </p>
      )}
    </>
  )
}

const schemaOf = (control: Extract<Control, { is: 'map' }>, key: string): Schema =>
  control.fields.find((one) => one.key === key)?.schema ?? {}

function OneOf(props: Props & { control: Extract<Control, { is: 'oneOf' }> }) {
  const { desk, path, value, label, control, isRequired } = props
  const id = useId()
  const at = whichOf(control.of, value)
  const chosen = control.of[at]!
  const inner = controlOf(chosen.schema)
  return (
    <div className="form-one-of">
      <div className="form-row">
        <label htmlFor={id}>{shortOf(path, label)}</label>
        <div className="form-control">
          <select
            id={id}
            aria-label={t('form.kind', { what: label })}
            value={at}
            onChange={({ currentTarget }) =>
              desk.set(path, blank(control.of[Number(currentTarget.value)]!.schema, desk.secrets[0] ?? ''))
            }
          >
            {control.of.map((one, i) => (
              <option key={one.name} value={i}>
                {one.name.split(', ').map(labelOf).join(', ')}
              </option>
            ))}
          </select>
        </div>
      </div>
      {chosen.schema.const !== undefined ? (
        <Wrong desk={desk} path={path} />
      ) : inner.is === 'map' ? (
        <Fields desk={desk} path={path} value={value} label={label} control={inner} />
      ) : (
        <Field {...props} schema={chosen.schema} isRequired={isRequired} />
      )}
    </div>
  )
}

function Labels({ desk, path, value, label }: Props) {
  const entries = Object.entries(typeof value === 'object' && value !== null ? value : {})
  return (
    <fieldset className="form-list">
      <Legend path={path} label={label} />
      <Wrong desk={desk} path={path} />
      {entries.map(([key, one], i) => {
        const what = t('form.numbered', { what: label, n: i + 1 })
        const wrong = wrongAt(desk.faults, [...path, key], 'under')
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: its name is being written
          <div key={i} className="form-item">
            <div className="form-item-body form-control">
              <input
                className="text-input"
                aria-label={t('form.name', { what })}
                value={key}
                onChange={({ currentTarget }) => desk.rename(path, key, currentTarget.value)}
              />
              <input
                className="text-input"
                aria-label={what}
                aria-invalid={wrong !== null}
                value={String(one ?? '')}
                onChange={({ currentTarget }) => desk.set([...path, key], currentTarget.value)}
              />
              {wrong === null ? null : <span className="wrong">{wrong}</span>}
            </div>
            <button
              type="button"
              className="link"
              aria-label={t('form.remove', { what })}
              onClick={() => desk.remove(entries.length === 1 ? path : [...path, key])}
            >
              {t('form.removeWord')}
            </button>
          </div>
        )
      })}
      <button
        type="button"
        className="link form-add"
        aria-label={t('form.add', { what: label })}
        onClick={() => desk.set([...path, freeName(entries.map(([key]) => key))], '')}
      >
        {t('form.addWord')}
      </button>
    </fieldset>
  )
}

function freeName(taken: readonly string[]): string {
  for (let n = 1; ; n++) if (!taken.includes(`name${n}`)) return `name${n}`
}
