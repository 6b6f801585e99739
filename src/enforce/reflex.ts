/**
 * The fast way: a flow row whose other end is on the block-list becomes one set element with a timeout, by raw netlink,
 * within the turn in which its batch was read. Pre-authorised: only while a confirmed plan is enforced, never against the
 * never-block list, capped per minute, at most fifteen minutes.
 */
import { appendFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { reflexElements } from '../compile/nft.ts'
import type { Binding } from '../compile/tree.ts'
import { formatAddress } from '../model/address.ts'
import type { FlowBatch } from '../model/flow.ts'
import type { Networks } from '../model/networks.ts'
import type { WireReflex } from '../model/wire.ts'
import { errnoOf, MessageType } from '../netlink/message.ts'
import { Family, NetlinkSocket } from '../netlink/socket.ts'
import { effect, effectSync } from './fault.ts'
import { applyText } from './nft.ts'
import { elementBatch, elementKey } from './reflex-message.ts'

export const REFLEX_TTL_MS = 15 * 60_000
const CAP_PER_MINUTE = 120
const MAX_LIVE = 10_000
const LOG_BYTES = 1 << 20
/** Less is a clock that is slewed, or rows of two threads. */
const SET_BACK_MS = 1_000

export type ReflexOptions = {
  readonly home: string
  /** A confirmed plan of ours is enforced, so its reflex sets are there. */
  readonly allowed: () => boolean
  readonly neverBlock: () => Networks
  readonly isListed: (words: Uint32Array, at: number) => boolean
  /** Where the workload's packets pass: null = not bound here. */
  readonly placeOf: (workload: number) => Binding | null
  readonly ttlMs?: number
  readonly capPerMinute?: number
  /** Elements at one time. */
  readonly maxLive?: number
  /** Puts one into the kernel, or throws; by raw netlink where nothing else is said. */
  readonly add?: (set: string, key: Buffer, timeoutMs: number) => void
  readonly say: (line: string) => void
}

export type Reflex = {
  readonly counters: {
    added: number
    repeated: number
    capped: number
    spared: number
    failed: number
    byProgram: number
  }
  /** Rows as `blocklistHits` gave them. Blocks this turn for the kernel's ack: microseconds. */
  act(batch: FlowBatch, rows: readonly number[], now: number): void
  /** What happened since the last call, for the report. */
  take(): WireReflex[]
  /** The table was loaded anew: what is still alive goes back in. */
  restore(now: number): void
  close(): void
}

type Live = { readonly set: string; readonly key: Buffer; until: number; readonly text: string }

export function createReflex(options: ReflexOptions): Reflex {
  const ttlMs = Math.min(options.ttlMs ?? REFLEX_TTL_MS, REFLEX_TTL_MS)
  const cap = options.capPerMinute ?? CAP_PER_MINUTE
  const maxLive = options.maxLive ?? MAX_LIVE
  const counters = { added: 0, repeated: 0, capped: 0, spared: 0, failed: 0, byProgram: 0 }
  /** In the order in which they end. */
  const live = new Map<string, Live>()
  const done: WireReflex[] = []
  const recent: number[] = []
  let socket: NetlinkSocket | null = null

  const addRaw: NonNullable<ReflexOptions['add']> = (set, key, timeoutMs) => {
    socket ??= new NetlinkSocket(Family.netfilter)
    addElement(socket, set, key, timeoutMs)
  }
  let latest = Number.NEGATIVE_INFINITY
  /** The kernel counts by no clock that can be set: set back by an hour, ours would hold for that hour what it has let go. */
  const follow = (now: number) => {
    const back = latest - now
    latest = now
    if (back <= SET_BACK_MS) return
    for (const one of live.values()) one.until -= back
    for (const i of recent.keys()) recent[i]! -= back
  }
  /** What the kernel has let go must not keep the room of what is to come: a table may stand for months. */
  const forgetOver = (now: number) => {
    for (const [name, { until }] of live) {
      if (until > now) return
      live.delete(name)
    }
  }
  const send = (one: Live, now: number) => {
    try {
      ;(options.add ?? addRaw)(one.set, one.key, one.until - now)
      return
    } catch (error) {
      socket?.close()
      socket = null
      options.say(`reflex by netlink failed, nft is used: ${(error as Error).message}`)
    }
    counters.byProgram++
    applyText(
      `add element inet guise ${one.set} { ${one.text} timeout ${Math.max(1, Math.round(one.until - now))}ms }\n`,
    ).catch((error: Error) => {
      counters.failed++
      options.say(`reflex failed: ${error.message}`)
    })
  }

  const one = (batch: FlowBatch, row: number, now: number) => {
    const at = row * 4
    const outward = batch.sourceWorkload[row]! >= 0 && options.isListed(batch.target, at)
    const inward = !outward && batch.targetWorkload[row]! >= 0 && options.isListed(batch.source, at)
    if (!outward && !inward) return
    const words = outward ? batch.target : batch.source
    const place = options.placeOf(outward ? batch.sourceWorkload[row]! : batch.targetWorkload[row]!)
    if (place === null) return
    if (options.neverBlock().covers(words, at)) {
      counters.spared++
      return
    }
    const peer = formatAddress(words, at)
    const fresh = reflexElements(place, peer).filter(({ set, element }) => {
      const known = live.get(`${set} ${element}`)
      return known === undefined || known.until <= now + 1_000
    })
    if (fresh.length === 0) {
      counters.repeated++
      return
    }
    while (recent.length > 0 && recent[0]! <= now - 60_000) recent.shift()
    forgetOver(now)
    if (recent.length >= cap || live.size >= maxLive) {
      counters.capped++
      return
    }
    recent.push(now)
    const until = now + ttlMs
    for (const { set, element: text } of fresh) {
      const element: Live = { set, key: elementKey(text), until, text }
      send(element, now)
      live.delete(`${set} ${text}`)
      live.set(`${set} ${text}`, element)
    }
    counters.added++
    const why = `${place.key} ${outward ? 'called' : 'was called by'} ${peer}, which is on the block-list`
    const reflex = { key: place.key, peer, at: now, until, why }
    if (done.length < 1_000) done.push(reflex)
    void keep(options.home, reflex).catch((error: Error) => options.say(`reflex journal: ${error.message}`))
  }

  return {
    counters,
    act(batch, rows, now) {
      follow(now)
      if (!options.allowed()) return
      for (const row of rows) one(batch, row, now)
    },
    take: () => done.splice(0),
    restore(now) {
      follow(now)
      for (const [name, element] of live) {
        if (element.until <= now) live.delete(name)
        else if (options.allowed()) send(element, now)
      }
    },
    close: () => socket?.close(),
  }
}

/** Throws unless the kernel acknowledged it. */
export function addElement(socket: NetlinkSocket, set: string, key: Buffer, timeoutMs: number): void {
  const sequence = socket.nextSequence()
  socket.nextSequence()
  socket.nextSequence()
  effectSync('reflex', () => socket.send(elementBatch(sequence, set, key, timeoutMs)))
  for (let tries = 0; tries < 5; tries++) {
    for (const message of socket.receiveNow()) {
      if (message.type !== MessageType.error || message.sequence < sequence || message.sequence > sequence + 2) continue
      const errno = errnoOf(message)
      if (errno !== 0) throw new Error(`add an element to ${set}: errno ${errno}`)
      return
    }
  }
  throw new Error(`add an element to ${set}: the kernel did not answer`)
}

/** The last megabyte or two of what was done, on the host itself; the ledger has it all. */
async function keep(home: string, reflex: WireReflex): Promise<void> {
  const path = join(home, 'reflexes.ndjson')
  const size = await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
  if (size > LOG_BYTES) await effect('reflex log', () => rename(path, `${path}.1`))
  await effect('reflex log', () => appendFile(path, `${JSON.stringify(reflex)}\n`, { mode: 0o600 }))
}
