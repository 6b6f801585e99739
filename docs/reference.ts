/**
 * The reference, made from what the code validates and answers with: commands, routes, schemas, permissions, readings.
 * Nothing in it is written by hand, so nothing in it can be out of date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { TSchema } from 'typebox'
import { createApp } from '../src/api/app.ts'
import type { Control } from '../src/api/control.ts'
import { createEventHub } from '../src/api/events.ts'
import { PERMISSIONS } from '../src/api/permissions.ts'
import { wholeProgram } from '../src/cli/commands.ts'
import { FEATURES, FEATURES_VERSION } from '../src/learn/features.ts'
import type { TenantId } from '../src/model/ids.ts'
import { MANIFEST_SCHEMAS } from '../src/model/manifest.ts'
import { FIGURES, rateUnit } from '../src/model/vitals.ts'

const here = import.meta.dirname

export async function writeReference(): Promise<readonly string[]> {
  const folder = `${here}/reference`
  mkdirSync(folder, { recursive: true })
  const pages: Record<string, string> = {
    cli: cliPage(await wholeProgram()),
    api: apiPage(await openApi()),
    manifests: manifestsPage(),
    permissions: permissionsPage(),
    features: featuresPage(),
    vitals: vitalsPage(),
    glossary: readFileSync(`${here}/../GLOSSARY.md`, 'utf8'),
  }
  for (const [name, text] of Object.entries(pages)) writeFileSync(`${folder}/${name}.md`, text)
  return Object.keys(pages)
}

/** Text in a Markdown table: no column, tag or template may begin in it. */
const cell = (text: string): string =>
  text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('{{', '&#123;&#123;').trim()
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0
    ? ''
    : `\n| ${head.join(' | ')} |\n|${head.map(() => ' --- |').join('')}\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`

function cliPage(program: Command): string {
  const lines = [
    '# Command line',
    '',
    '`guise [--server URL] [--json] COMMAND`. With `--json` every command prints one compact line on stdout; progress goes to stderr.',
    'Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no server there.',
    '',
  ]
  const walk = (command: Command, path: string) => {
    for (const one of [...command.commands].sort((a, b) => (a.name() < b.name() ? -1 : 1))) {
      if (one.name() === 'help') continue
      const name = `${path} ${one.name()}`
      lines.push(`## ${name}`, '', `${cell(one.description())}.`, '', '```text', `${name} ${one.usage()}`, '```')
      lines.push(
        table(
          ['argument', ''],
          one.registeredArguments.map((argument) => [code(argument.name()), cell(withChoices(argument))]),
        ),
        table(
          ['option', '', 'default'],
          one.options
            .filter((option) => !['--json', '--server'].includes(option.long ?? ''))
            .map((option) => [code(option.flags), cell(withChoices(option)), ownDefault(option.defaultValue)]),
        ),
      )
      walk(one, name)
    }
  }
  walk(program, 'guise')
  return lines.join('\n')
}

const withChoices = ({
  description,
  argChoices,
}: {
  description: string
  argChoices?: string[] | undefined
}): string => (argChoices === undefined ? description : `${description}: ${argChoices.join(', ')}`)

/** What depends on the machine the reference is made on is described in the option's own words. */
function ownDefault(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return ''
  const text = String(value)
  return text.includes('/') || text.length > 40 || text === (process.env.HOSTNAME ?? '') ? '' : code(text)
}

type Operation = {
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema?: TSchema
  }[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: TSchema }>> }
}
type OpenApi = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

async function openApi(): Promise<OpenApi> {
  const app = await createApp({
    store: () => null,
    control: {} as Control,
    events: createEventHub({ clock: () => 0, ring: 1 }),
    console: null,
    clock: () => 0,
    log: { error: () => {} },
    tenantDefault: 'main' as TenantId,
    publicOrigins: [],
    agentDoor: () => null,
    version: 'reference',
  })
  await app.ready()
  const document = app.swagger() as OpenApi
  await app.close()
  return document
}

function apiPage({ paths }: OpenApi): string {
  const byTag = new Map<string, string[]>()
  for (const [path, operations] of Object.entries(paths).sort()) {
    for (const [method, operation] of Object.entries(operations)) {
      const tag = operation.tags?.[0] ?? 'other'
      const lines = byTag.get(tag) ?? []
      byTag.set(tag, lines)
      const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema
      lines.push(
        `### ${method.toUpperCase()} ${path.replaceAll('{', ':').replaceAll('}', '')}`,
        '',
        `${cell(operation.summary ?? '')}. For: ${whoMay(method, path)}.`,
        table(
          ['parameter', 'in', 'what'],
          (operation.parameters ?? []).map((one) => [
            code(one.name),
            `${one.in}${one.required === true ? ', required' : ''}`,
            cell([one.description ?? '', typeText(one.schema)].filter((part) => part !== '').join('; ')),
          ]),
        ),
        body === undefined ? '' : `\nBody: ${cell(typeText(body))}\n`,
      )
    }
  }
  const head =
    '# API\n\nAt `/v1` (and at the root, for the short names). Authorisation: `Bearer` token, or the console’s session cookie. Lists answer `{items, next}`; ' +
    'refusals are `application/problem+json` (RFC 9457) with `detail`, `cure` and, for bodies, `errors` with pointers. The machine-readable form is `/openapi.json`.\n'
  return `${head}\n${[...byTag]
    .sort()
    .map(([tag, lines]) => `## ${tag}\n\n${lines.join('\n')}`)
    .join('\n')}`
}

function whoMay(method: string, path: string): string {
  const key = `${method.toUpperCase()} ${path.replace(/^\/v1/, '').replace(/\{([^}]+)\}/g, ':$1')}`
  const may = (PERMISSIONS as Readonly<Record<string, 'public' | readonly string[]>>)[key]
  return may === undefined ? 'as documented' : may === 'public' ? 'anybody' : may.join(', ')
}

type Loose = {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Loose[]
  readonly items?: Loose
  readonly properties?: Readonly<Record<string, Loose>>
  readonly patternProperties?: Readonly<Record<string, Loose>>
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly description?: string
  readonly $ref?: string
}

function typeText(schema: unknown): string {
  const one = (schema ?? {}) as Loose
  if (one.$ref !== undefined) return one.$ref.split('/').at(-1)!.replace('#', '')
  if (one.const !== undefined) return JSON.stringify(one.const)
  if (one.enum !== undefined) return one.enum.map((value) => JSON.stringify(value)).join(' or ')
  if (one.anyOf !== undefined) return [...new Set(one.anyOf.map(typeText))].join(' or ')
  if (one.type === 'array')
    return `list of ${typeText(one.items)}${one.maxItems === undefined ? '' : `, at most ${one.maxItems}`}`
  if (one.properties !== undefined)
    return `{ ${Object.entries(one.properties)
      .map(([name]) => `${name}${one.required?.includes(name) === true ? '' : '?'}`)
      .join(', ')} }`
  if (one.patternProperties !== undefined) return 'a map of names to text'
  const low = one.minimum ?? one.minLength
  const high = one.maximum ?? one.maxLength
  const bounds = high === undefined ? (low === undefined ? '' : `, from ${low}`) : `, ${low ?? 0} to ${high}`
  return `${String(one.type ?? 'anything')}${one.type === 'string' && high !== undefined ? `, at most ${high} characters` : bounds}`
}

function manifestsPage(): string {
  const parts = Object.entries(MANIFEST_SCHEMAS).map(([kind, schema]) => {
    const rows: string[][] = []
    fields(schema as Loose, '', rows)
    return `## ${kind}\n${table(['field', '', 'what'], rows)}`
  })
  return `# Manifests\n\nYAML or JSON, one schema a kind, closed: a field that is not listed is refused with its file, line and column. The schemas are served at \`/v1/schemas/KIND\`.\n\n${parts.join('\n')}`
}

function fields(schema: Loose, path: string, rows: string[][]): void {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`
    const isRequired = schema.required?.includes(name) === true
    const inner = field.type === 'array' ? (field.items ?? {}) : field
    rows.push([
      code(at + (field.type === 'array' ? '[]' : '')),
      isRequired ? 'required' : '',
      cell([field.description ?? '', typeText(field)].filter((part) => part !== '').join('; ')),
    ])
    const alternatives = inner.anyOf?.filter((one) => one.properties !== undefined) ?? []
    for (const one of inner.properties === undefined ? alternatives : [inner])
      fields(one, at + (field.type === 'array' ? '[]' : ''), rows)
  }
}

function permissionsPage(): string {
  const roles = ['viewer', 'operator', 'approver', 'admin', 'agent']
  const rows = Object.entries(PERMISSIONS)
    .sort()
    .map(([route, may]) => [
      code(route),
      ...roles.map((role) => (may === 'public' ? 'anybody' : (may as readonly string[]).includes(role) ? 'yes' : '')),
    ])
  return `# Who may do what\n\nOne table, default deny: a route without a row does not start.\n${table(['route', ...roles], rows)}`
}

function featuresPage(): string {
  const rows = FEATURES.map((one) => [code(one.name), one.unit, cell(one.why)])
  return `# Readings of a window\n\nWhat a classifier may know of a workload (\`${FEATURES_VERSION}\`): no addresses, no names. A reading that is not known is left out, never zero.\n${table(['reading', 'unit', 'why it tells personas apart'], rows)}`
}

function vitalsPage(): string {
  const merged = { sum: 'added up', max: 'the highest', last: 'the last' } as const
  const rows = FIGURES.map((one) => [
    code(one.name),
    cell(one.what),
    rateUnit(one),
    merged[one.merge],
    cell(one.source),
  ])
  return `# Vitals\n\nWhat a workload uses and does that is no flow, per tick of 5 s, as \`guise vitals\` tells it. Seen from the workload. A figure that could not be read is not known, with its reason; never zero.\n${table(['figure', 'what', 'told in', 'of two spans', 'read from'], rows)}`
}
