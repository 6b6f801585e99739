/**
 * `<label>/<captures or logs>`, or a folder with one labelled table, comes in; examples to learn from go out. An example is
 * a capture, a log, or a folder of logs that belong together. `types.json` merges labels (`{folder: type}`); files `*mac.txt`
 * and `*ip.txt` beside them say whose they are, else it is found out.
 */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Example } from '../learn/recognise/fit-recogniser.ts'
import { canonicalText, parseAddress } from '../model/address.ts'
import { readFlowPortraits } from '../observe/portrait/read-flow-portraits.ts'
import { type Moments, readPortraits } from '../observe/portrait/read-portraits.ts'
import { readTable, TABLE } from './learn-table.ts'

export type Labelled = {
  readonly kind: 'captures' | 'table'
  /** `source` = folder and file, or the row's own label before it was merged. */
  readonly examples: readonly (Example & { readonly source: string; readonly folder: string })[]
  readonly merged: Readonly<Record<string, string>>
  /** SHA-256 over names and bytes. */
  readonly hash: string
  /** What nothing was learnt from, with the reason. */
  readonly left: readonly { readonly type: string; readonly source: string; readonly why: string }[]
  /** What was read in part only, with the reason. */
  readonly cut: readonly string[]
}

/** A device is learnt from after so much of its traffic, and at the end. */
export const AGES_MS = [5_000, 30_000, 60_000] as const
const CAPTURE = /\.(pcap|pcapng|cap)(\.gz)?$/i
const LOG = /\.(json|csv|binetflow|nfdump)(\.gz)?$/i
/** Zeek's log of conversations, whose other logs have the same name but for this word. */
const CONN_LOG = /^(|.*[._-])conn([._-].*)$/i

type Item = {
  readonly folder: string
  readonly name: string
  readonly kind: 'capture' | 'logs'
  /** In the folder; more than one where logs belong together. */
  readonly files: readonly string[]
}
type Progress = (done: number, of: number) => void

/** `merged` = of the model that is judged, where the folder has none of its own. Throws a sentence with the cure. */
export async function readLabelled(
  dir: string,
  merged: Readonly<Record<string, string>> = {},
  progress: Progress = () => {},
): Promise<Labelled> {
  if (!isFolder(dir)) throw new Error(`There is no folder ${dir}. Give one with a folder of captures for each label.`)
  const names = readdirSync(dir).sort()
  const folders = names.filter((name) => isFolder(join(dir, name)))
  const tables = names.filter((name) => TABLE.test(name) && !isFolder(join(dir, name)))
  const types = { ...merged, ...readTypes(dir) }
  if (folders.length > 0) return readFolders(dir, folders, types, progress)
  if (tables.length === 1) return readTable(join(dir, tables[0]!))
  throw new Error(
    `${dir} holds neither folders of captures nor one labelled table (it has ${tables.length}). Put captures or logs into a folder for each label: ${dir}/LABEL/FILE.pcap`,
  )
}

/** Of what a link leads to, too. */
const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

function readTypes(dir: string): Record<string, string> {
  const path = join(dir, 'types.json')
  if (!existsSync(path)) return {}
  const wrong = (why: string) => new Error(`${path} is no {"folder": "type"}: ${why}. Correct it, or take it away.`)
  let said: unknown
  try {
    said = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw wrong((error as Error).message)
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) throw wrong('it is another kind of JSON')
  const odd = Object.entries(said).find(([, type]) => typeof type !== 'string')
  if (odd !== undefined) throw wrong(`the type of "${odd[0]}" is no text`)
  return said as Record<string, string>
}

async function readFolders(
  dir: string,
  folders: readonly string[],
  merged: Readonly<Record<string, string>>,
  progress: Progress,
): Promise<Labelled> {
  const items = folders.flatMap((folder) => itemsOf(dir, folder))
  if (items.length === 0)
    throw new Error(
      `There is no capture (.pcap, .pcapng), log (.log, .json, .csv, .binetflow) or folder of logs in any folder of ${dir}; .gz of each may be there.`,
    )
  const hash = createHash('sha256')
  const examples: Labelled['examples'][number][] = []
  const left: Labelled['left'][number][] = []
  const cut: string[] = []
  for (const [done, item] of items.entries()) {
    progress(done, items.length)
    const { folder } = item
    const source = `${folder}/${item.name}`
    const type = Object.hasOwn(merged, folder) ? merged[folder]! : folder
    for (const file of item.files) await addTo(hash, join(dir, folder), file)
    const read = await readItem(dir, item)
    if (read.cut !== null && read.moments !== null) cut.push(`${source}: ${read.cut}`)
    if (read.moments === null) {
      left.push({ type, source, why: read.cut ?? 'its device says nothing in it' })
      continue
    }
    const { at, whole } = read.moments
    const ages = [...at, whole].map((portrait) => ({ kind: 'portrait', portrait }) as const)
    examples.push({ type, folder, source, ages })
  }
  return { kind: 'captures', examples, merged, hash: hash.digest('hex'), left, cut }
}

function itemsOf(dir: string, folder: string): Item[] {
  const names = readdirSync(join(dir, folder)).sort()
  return names.flatMap((name): Item[] => {
    if (CAPTURE.test(name)) return [{ folder, name, kind: 'capture', files: [name] }]
    if (isFolder(join(dir, folder, name)) || LOG.test(name)) return [{ folder, name, kind: 'logs', files: [name] }]
    const [, before, behind] = CONN_LOG.exec(name) ?? []
    if (before === undefined || behind === undefined || !behind.includes('.log')) return []
    const files = names.filter((one) => one.startsWith(before) && one.endsWith(behind) && !CAPTURE.test(one))
    return [{ folder, name, kind: 'logs', files }]
  })
}

type Read = { readonly moments: Moments | null; readonly cut: string | null }

async function readItem(dir: string, { folder, name, kind, files }: Item): Promise<Read> {
  if (kind === 'capture') {
    const read = await readPortraits(join(dir, folder, name), { device: deviceOf(join(dir, folder)), afterMs: AGES_MS })
    // Hardware addresses are of Ethernet alone: of other links, addresses tell the hosts apart.
    if (read.moments !== null || read.others === 0) return read
  }
  return readFlowPortraits(
    files.map((file) => join(dir, folder, file)),
    { host: hostOf(join(dir, folder)), afterMs: AGES_MS },
  )
}

/** Name and bytes; of a folder, all that is in it. */
async function addTo(hash: Hash, dir: string, name: string): Promise<void> {
  const path = join(dir, name)
  if (isFolder(path)) {
    for (const inner of readdirSync(path).sort()) await addTo(hash, path, inner)
    return
  }
  hash.update(`${dir.split('/').at(-1)}/${name}\0`)
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

function deviceOf(folder: string): string | null {
  const said = saidIn(folder, /mac\.txt$/i)
  if (said === null) return null
  const mac = said.text.toLowerCase().replaceAll('-', ':')
  if (!MAC.test(mac)) throw new Error(`${said.path} holds no hardware address such as 00:11:22:33:44:55.`)
  return mac
}

function hostOf(folder: string): string | null {
  const said = saidIn(folder, /ip\.txt$/i)
  if (said === null) return null
  if (parseAddress(said.text) === null) throw new Error(`${said.path} holds no address such as 10.0.0.7.`)
  return canonicalText(said.text)
}

function saidIn(folder: string, pattern: RegExp): { readonly path: string; readonly text: string } | null {
  const name = readdirSync(folder).find((one) => pattern.test(one))
  if (name === undefined) return null
  const path = join(folder, name)
  return { path, text: readFileSync(path, 'utf8').trim() }
}
