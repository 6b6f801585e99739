/**
 * Text that `compile` wrote comes in; one transaction goes to the kernel of this process's network namespace. Three ways,
 * all of them to the same state: netlink batches written here (whatever `compile` writes), libnftables in this process
 * (whatever nft reads), and the program `nft` where koffi or the library is missing. Each tries the next when it cannot; a
 * refusal is always told in nft's own words. Whoever dies on the way, the kernel has all of a transaction or nothing.
 * Measured by `bench -- policy`.
 */
import { openNftables } from '../netlink/libnftables.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { effect } from './fault.ts'
import { command, runStep } from './step.ts'
import { readTableText } from './table-text.ts'

export type Loader = {
  readonly name: 'netlink' | 'libnftables' | 'program'
  /** `not-mine`: this way cannot carry it, and nothing was done. Throws when the kernel refused: then nothing was changed. */
  apply(text: string): Promise<'applied' | 'not-mine'>
}

let socket: Promise<NetlinkSocket | null> | null = null
/** The socket stays open: what it is for must not wait. */
function openSocket(): Promise<NetlinkSocket | null> {
  socket ??= import('../netlink/socket.ts').then(({ Family, NetlinkSocket }) => new NetlinkSocket(Family.netfilter))
  return socket.catch(() => null)
}

let turn: Promise<unknown> = Promise.resolve()
/** Answers are told apart by their sequence, but a batch on a thread and its answer belong together. */
function alone<T>(act: () => Promise<T>): Promise<T> {
  const mine = turn.then(act, act)
  turn = mine.catch(() => {})
  return mine
}

export const netlinkLoader: Loader = {
  name: 'netlink',
  async apply(text) {
    const changes = readTableText(text)
    if (changes === null) return 'not-mine'
    const open = await openSocket()
    if (open === null) return 'not-mine'
    const { sendBatch } = await import('../netlink/nft-batch.ts')
    await alone(() => effect('nft elements', async () => sendBatch(open, 'guise', changes)))
    return 'applied'
  },
}

export const libraryLoader: Loader = {
  name: 'libnftables',
  async apply(text) {
    const nft = await openNftables()
    if (nft === null) return 'not-mine'
    await effect('nft', () => nft.run(text, 'text')).catch(async (error: Error) => {
      throw new Error(`nft (libnftables) refused: ${await wordsFor(text, error.message)}`)
    })
    return 'applied'
  },
}

/** libnftables 1.0.6 points into the first line of a buffer, wherever the mistake is; the program names the line. */
async function wordsFor(text: string, heard: string): Promise<string> {
  if (text.trim().split('\n').length === 1) return heard
  return command('nft', ['-c', '-f', '-'], text).then(
    () => heard.split('\n')[0]!,
    (error: Error) => error.message,
  )
}

export const programLoader: Loader = {
  name: 'program',
  async apply(text) {
    await runStep({ run: 'nft', text })
    return 'applied'
  },
}

const WAYS = [netlinkLoader, libraryLoader, programLoader]

/** What went which way since this process started, for the agent's reports and `guise doctor`. */
export const loads: Record<Loader['name'], number> = { netlink: 0, libnftables: 0, program: 0 }

/** By the quickest way that can carry it; `GUISE_LOADER`, the name of one, leaves out the ways before it (for tests). */
export async function load(text: string): Promise<Loader['name'] | null> {
  if (text === '') return null
  const first = WAYS.findIndex(({ name }) => name === process.env.GUISE_LOADER)
  for (const way of WAYS.slice(Math.max(0, first))) {
    // A bare errno says little: a refused batch changed nothing, so nft may try the same and say why it fails.
    const done = way === netlinkLoader ? await way.apply(text).catch(() => 'not-mine' as const) : await way.apply(text)
    if (done === 'not-mine') continue
    loads[way.name]++
    return way.name
  }
  throw new Error('no way into the kernel')
}

/** `nft -j list table …`, as text. */
export async function listTable(table: string): Promise<string> {
  const nft = await openNftables()
  if (nft === null) return command('nft', ['-j', 'list', 'table', ...table.split(' ')])
  return nft.run(`list table ${table}`, 'json').catch((error: Error) => {
    throw new Error(`nft -j list table ${table} failed: ${error.message}`)
  })
}

/** What stands in it, as `nft -j` lists it; null = no such table. */
export async function listedObjects<T>(table: string): Promise<readonly Readonly<Record<string, T>>[] | null> {
  let text: string
  try {
    text = await listTable(table)
  } catch (error) {
    if (/No such file or directory/.test((error as Error).message)) return null
    throw error
  }
  return (JSON.parse(text) as { nftables: Record<string, T>[] }).nftables
}
