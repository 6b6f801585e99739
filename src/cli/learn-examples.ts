/**
 * `<label>/<captures>`, or a folder with one labelled table, comes in; examples to learn from go out. `types.json` merges
 * labels (`{folder: type}`); a file `*mac.txt` beside captures says whose they are, else it is found out.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Example } from '../learn/recognise/fit-recogniser.ts'
import { readPortraits } from '../observe/portrait/read-portraits.ts'

export type Labelled = {
  readonly kind: 'captures' | 'table'
  /** `source` = folder and file, or the row's own label before it was merged. */
  readonly examples: readonly (Example & { readonly source: string; readonly folder: string })[]
  readonly merged: Readonly<Record<string, string>>
  /** SHA-256 over names and bytes. */
  readonly hash: string
  /** Files that nothing was learnt from, with the reason. */
  readonly left: readonly string[]
}

/** A device is learnt from after so much of its traffic, and at the end. */
export const AGES_MS = [5_000, 30_000, 60_000] as const
const CAPTURE = /\.(pcap|pcapng|cap)(\.gz)?$/i
const TABLE = /\.(txt|csv)(\.gz)?$/i
/** KDD Cup 1999's columns, then the label, then how many learners were right, which nobody may look at. */
const NSL_COLUMNS = 43
const NSL_FEATURES = 41

/** `merged` = of the model that is judged, where the folder has none of its own. Throws a sentence with the cure. */
export async function readLabelled(
  dir: string,
  merged: Readonly<Record<string, string>> = {},
  progress: (done: number, of: number) => void = () => {},
): Promise<Labelled> {
  if (!existsSync(dir)) throw new Error(`There is no folder ${dir}. Give one with a folder of captures for each label.`)
  const names = readdirSync(dir, { withFileTypes: true })
  const folders = names.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const tables = names.filter((entry) => entry.isFile() && TABLE.test(entry.name)).map(({ name }) => name)
  const types = { ...merged, ...readTypes(dir) }
  if (folders.length > 0) return readCaptures(dir, folders.sort(), types, progress)
  if (tables.length === 1) return readTable(join(dir, tables[0]!))
  throw new Error(
    `${dir} holds neither folders of captures nor one labelled table (it has ${tables.length}). Put captures into a folder for each label: ${dir}/LABEL/FILE.pcap`,
  )
}

function readTypes(dir: string): Record<string, string> {
  const path = join(dir, 'types.json')
  if (!existsSync(path)) return {}
  const said = JSON.parse(readFileSync(path, 'utf8')) as unknown
  const isMap = typeof said === 'object' && said !== null && Object.values(said).every((v) => typeof v === 'string')
  if (!isMap) throw new Error(`${path} is no {"folder": "type"}.`)
  return said as Record<string, string>
}

async function readCaptures(
  dir: string,
  folders: readonly string[],
  merged: Readonly<Record<string, string>>,
  progress: (done: number, of: number) => void,
): Promise<Labelled> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(dir, folder))
      .filter((name) => CAPTURE.test(name))
      .sort()
      .map((name) => ({ folder, name })),
  )
  if (files.length === 0) throw new Error(`There is no capture (.pcap, .pcapng, plain or .gz) in any folder of ${dir}.`)
  const hash = createHash('sha256')
  const examples: Labelled['examples'][number][] = []
  const left: string[] = []
  for (const [done, { folder, name }] of files.entries()) {
    progress(done, files.length)
    const path = join(dir, folder, name)
    hash.update(`${folder}/${name}\0`).update(readFileSync(path))
    const moments = await readPortraits(path, { device: deviceOf(join(dir, folder)), afterMs: AGES_MS })
    if (moments === null) {
      left.push(`${folder}/${name}: its device sends nothing in it`)
      continue
    }
    const ages = [...moments.at, moments.whole].map((portrait) => ({ kind: 'portrait', portrait }) as const)
    examples.push({ type: merged[folder] ?? folder, folder, source: `${folder}/${name}`, ages })
  }
  return { kind: 'captures', examples, merged, hash: hash.digest('hex'), left }
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

function deviceOf(folder: string): string | null {
  const name = readdirSync(folder).find((one) => /mac\.txt$/i.test(one))
  if (name === undefined) return null
  const said = readFileSync(join(folder, name), 'utf8').trim().toLowerCase().replaceAll('-', ':')
  if (!MAC.test(said))
    throw new Error(`${join(basename(folder), name)} holds no hardware address such as 00:11:22:33:44:55.`)
  return said
}

function readTable(path: string): Labelled {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1')
  const examples = text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === '') return []
    const fields = line.split(',')
    if (fields.length !== NSL_COLUMNS)
      throw new Error(
        `${basename(path)}:${i + 1}: ${fields.length} columns; a labelled table is one of ${NSL_COLUMNS} (NSL-KDD), its label in column ${NSL_FEATURES + 1}.`,
      )
    const label = fields[NSL_FEATURES]!
    const seen = { kind: 'row', fields: fields.slice(0, NSL_FEATURES) } as const
    const type = label === 'normal' ? 'normal' : 'attack'
    const kind = type === 'attack' ? { kind: label } : {}
    return [{ type, ...kind, folder: label, source: label, ages: [seen] }]
  })
  return { kind: 'table', examples, merged: {}, hash: createHash('sha256').update(bytes).digest('hex'), left: [] }
}
