/** The two ends of every row as small integers with what is known of them, worked out once for all detectors. */
import { formatAddress, isV4 } from '../model/address.ts'
import { type AddressTable, createAddressTable } from '../model/address-table.ts'
import { type Channels, createChannels, grown } from '../model/channels.ts'
import type { FlowBatch } from '../model/flow.ts'
import type { Hint } from '../model/hint.ts'
import { createNetworks, isGroupAddress, type Networks } from '../model/networks.ts'

export const End = { home: 1, group: 2 } as const

export type Ends = {
  readonly addresses: AddressTable
  /** Who calls whom on which service, per row of the batch last looked at; numbers are below `room`. */
  readonly channel: Int32Array
  readonly room: number
  /** Rises when numbers of channels or addresses were given up: what is kept under channels is over. */
  readonly generation: number
  /** Number of source and target per row of the batch last looked at; −1 = not to be judged (table full, or never-block). */
  readonly source: Int32Array
  readonly target: Int32Array
  /** The same per hint of the batch. */
  readonly hintSource: Int32Array
  readonly hintTarget: Int32Array
  /** `numbers`: of the batch's channels, where they were looked up before. */
  look(batch: FlowBatch, numbers?: Int32Array): void
  is(id: number, what: number): boolean
  text(id: number): string
  /** `10.0.0.0/24` or `fd00::/64` when all lie in one, else null. */
  network(ids: Iterable<number>): string | null
  /** Forgets addresses not seen since `before`, epoch ms of event time; what was seen later than `after` was seen then. */
  forget(before: number, after?: number): void
}

export function createEnds(options: {
  readonly homeNetworks: readonly string[]
  readonly neverBlock: Networks
  readonly maxAddresses: number
  readonly channels?: Channels
}): Ends {
  const addresses = createAddressTable(options.maxAddresses)
  const home = createNetworks(options.homeNetworks)
  let what = new Uint8Array(1024)
  let seen = new Float64Array(1024)
  const word = new Uint32Array(4)
  const other = new Uint32Array(4)
  let source = new Int32Array(0)
  let target = new Int32Array(0)
  let hintSource = new Int32Array(0)
  let hintTarget = new Int32Array(0)
  const channels = options.channels ?? createChannels()
  let channel: Int32Array = new Int32Array(0)
  let generation = 1
  let channelGeneration = 0
  let spared = options.neverBlock.version
  /** By channel: 1 = it was looked up; both ends as they are told, and as they are; when it was last seen. */
  let known = new Uint8Array(0)
  let from = new Int32Array(0)
  let to = new Int32Array(0)
  let last = new Float64Array(0)
  let sourceId = new Int32Array(0)
  let targetId = new Int32Array(0)

  const numberOf = (words: Uint32Array, at: number, when: number): number => {
    let id = addresses.find(words, at)
    if (id < 0) {
      id = addresses.intern(words, at)
      if (id < 0) return -1
      if (id >= what.length) {
        const moreWhat = new Uint8Array(what.length * 2)
        moreWhat.set(what)
        what = moreWhat
        const moreSeen = new Float64Array(what.length)
        moreSeen.set(seen)
        seen = moreSeen
      }
      what[id] = (home.covers(words, at) ? End.home : 0) | (isGroupAddress(words, at) ? End.group : 0)
      seen[id] = when
    } else if (when > seen[id]!) seen[id] = when
    return id
  }

  const lookAtHints = (hints: readonly Hint[]) => {
    if (hintSource.length < hints.length) {
      hintSource = new Int32Array(hints.length * 2)
      hintTarget = new Int32Array(hints.length * 2)
    }
    for (let i = 0; i < hints.length; i++) {
      const hint = hints[i]!
      word.set(hint.source)
      const isSpared = options.neverBlock.covers(word, 0)
      const from = numberOf(word, 0, hint.at)
      word.set(hint.target)
      const to = numberOf(word, 0, hint.at)
      const judges = from >= 0 && to >= 0 && !isSpared && !options.neverBlock.covers(word, 0)
      hintSource[i] = judges ? from : -1
      hintTarget[i] = judges ? to : -1
    }
  }

  const makeRoom = () => {
    if (known.length >= channels.room) return
    known = grown(known, channels.room)
    from = grown(from, channels.room)
    to = grown(to, channels.room)
    const before = last.length
    last = grown(last, channels.room).fill(0, before)
    sourceId = grown(sourceId, channels.room)
    targetId = grown(targetId, channels.room)
  }
  const find = (batch: FlowBatch, row: number, number: number) => {
    const when = batch.end[row]!
    const source = numberOf(batch.source, row * 4, when)
    const target = numberOf(batch.target, row * 4, when)
    const isSpared =
      source < 0 ||
      target < 0 ||
      options.neverBlock.covers(batch.target, row * 4) ||
      options.neverBlock.covers(batch.source, row * 4)
    from[number] = isSpared ? -1 : source
    to[number] = isSpared ? -1 : target
    sourceId[number] = source
    targetId[number] = target
    // While there is no room for addresses each row asks again, and is counted.
    if (source >= 0 && target >= 0) known[number] = 1
  }
  /** When its channels were last seen an address was, too. */
  const tellSeen = () => {
    for (let number = 0; number < known.length; number++) {
      if (known[number] === 0) continue
      const when = last[number]!
      if (when > seen[sourceId[number]!]!) seen[sourceId[number]!] = when
      if (when > seen[targetId[number]!]!) seen[targetId[number]!] = when
    }
  }
  const forgetChannels = () => {
    tellSeen()
    known.fill(0)
    last.fill(0)
    generation++
  }

  return {
    addresses,
    get source() {
      return source
    },
    get target() {
      return target
    },
    get hintSource() {
      return hintSource
    },
    get hintTarget() {
      return hintTarget
    },
    get channel() {
      return channel
    },
    get room() {
      return channels.room
    },
    get generation() {
      return generation
    },
    look(batch, numbers = channels.number(batch)) {
      lookAtHints(batch.hints)
      if (source.length < batch.count) {
        source = new Int32Array(batch.capacity)
        target = new Int32Array(batch.capacity)
      }
      channel = numbers
      if (channels.generation !== channelGeneration) {
        forgetChannels()
        channelGeneration = channels.generation
      }
      if (options.neverBlock.version !== spared) {
        // An entry added to the never-block list counts from the next flow on.
        spared = options.neverBlock.version
        known.fill(0)
      }
      makeRoom()
      for (let row = 0; row < batch.count; row++) {
        const number = channel[row]!
        const when = batch.end[row]!
        if (known[number] === 0) find(batch, row, number)
        if (when > last[number]!) last[number] = when
        source[row] = from[number]!
        target[row] = to[number]!
      }
    },
    is: (id, flag) => (what[id]! & flag) !== 0,
    text: (id) => (addresses.read(id, word, 0) ? formatAddress(word) : '?'),
    network(ids) {
      let first = true
      for (const id of ids) {
        if (!addresses.read(id, first ? word : other, 0)) return null
        if (!first && !isSameNetwork(word, other)) return null
        first = false
      }
      if (first) return null
      if (isV4(word)) {
        word[3] = (word[3]! & 0xffffff00) >>> 0
        return `${formatAddress(word)}/24`
      }
      word[2] = 0
      word[3] = 0
      return `${formatAddress(word)}/64`
    },
    forget(before, after = Number.POSITIVE_INFINITY) {
      forgetChannels()
      for (let id = 0; id < seen.length; id++) if (seen[id]! > after) seen[id] = after
      addresses.sweep((id) => seen[id]! >= before)
    },
  }
}

function isSameNetwork(a: Uint32Array, b: Uint32Array): boolean {
  if (a[0] !== b[0] || a[1] !== b[1]) return false
  if (!isV4(a)) return !isV4(b)
  return a[2] === b[2] && ((a[3]! ^ b[3]!) & 0xffffff00) === 0
}
