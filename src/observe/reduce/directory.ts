/** Who has which address: flow rows come in with addresses, and get the interned workload of each end in their columns. */
import { parseAddress, type Words } from '../../model/address.ts'
import { createAddressTable } from '../../model/address-table.ts'
import { type FlowBatch, Mark } from '../../model/flow.ts'
import type { WorkloadId } from '../../model/ids.ts'

export type Directory = {
  /** Numbers of workloads are below this. */
  readonly size: number
  /** Rises when an address may have got another owner; a new one that was discovered is nobody else's before. */
  readonly version: number
  /** Addresses that could not be taken in because the table was full. */
  readonly refused: number
  /**
   * Makes `key` known under `id` with exactly these addresses; an address it does not list any more is nobody's, one
   * that was another's moves here at once. Returns its number, which it keeps until it is gone and swept; text
   * that is no address is passed over.
   */
  put(workload: { readonly key: string; readonly id: WorkloadId; readonly addresses: readonly string[] }): number
  /** The workload is gone: its addresses are nobody's. Its number goes to no other before a sweep. */
  remove(key: string): void
  /** Frees the numbers of those that are gone for which `isKept` says no; returns them. */
  sweep(isKept: (workload: number) => boolean): readonly number[]
  /** The workload that has this address, −1 for none. No string is made. */
  find(words: Words | Uint32Array, at?: number): number
  /** The same; an address that nobody has may become a workload (`discover`). */
  resolve(words: Uint32Array, at: number): number
  /** Fills the workload columns of the batch. Addresses nobody has stay −1, unless `discover` makes them workloads. */
  assign(batch: FlowBatch): void
  keyOf(workload: number): string
  idOf(workload: number): WorkloadId
  numberOf(key: string): number
  /** Copies the words of its first address to `out`; false when it has none. */
  read(workload: number, out: Uint32Array): boolean
  /** Numbers of the workloads that are there now. */
  present(): Iterable<number>
}

export type DirectoryOptions = {
  readonly maxAddresses?: number
  /** Every address seen is a workload of its own; this names it. Null = not this one: it is asked again when it is seen again. */
  readonly discover?: (words: Uint32Array) => { readonly key: string; readonly id: WorkloadId } | null
}

export function createDirectory(options: DirectoryOptions = {}): Directory {
  const addresses = createAddressTable(options.maxAddresses ?? 1 << 20)
  /** address number → workload number + 1 */
  let owner = new Int32Array(1024)
  const keys: string[] = []
  const ids: WorkloadId[] = []
  const numbers = new Map<string, number>()
  const held = new Map<number, readonly number[]>()
  /** Removed, and still named by whoever counted its traffic. */
  const gone = new Set<number>()
  const free: number[] = []
  const word = new Uint32Array(4)
  let version = 0

  const setOwner = (address: number, workload: number) => {
    if (address >= owner.length) {
      const more = new Int32Array(Math.max(owner.length * 2, address + 1))
      more.set(owner)
      owner = more
    }
    owner[address] = workload + 1
  }
  const numberFor = (key: string, id: WorkloadId) => {
    const known = numbers.get(key)
    if (known !== undefined) {
      gone.delete(known)
      return known
    }
    const number = free.pop() ?? keys.length
    keys[number] = key
    ids[number] = id
    numbers.set(key, number)
    return number
  }
  const release = (workload: number) => {
    version++
    for (const address of held.get(workload) ?? []) if (owner[address] === workload + 1) owner[address] = 0
    held.delete(workload)
  }
  const find = (words: Words | Uint32Array, at = 0): number => {
    const address = addresses.find(words, at)
    return address < 0 ? -1 : owner[address]! - 1
  }
  const discoverAt = (words: Uint32Array, at: number): number => {
    for (let i = 0; i < 4; i++) word[i] = words[at + i]!
    const found = options.discover!(word)
    const address = found === null ? -1 : addresses.intern(word, 0)
    if (found === null || address < 0) return -1
    const { key, id } = found
    const number = numberFor(key, id)
    held.set(number, [address])
    setOwner(address, number)
    return number
  }
  const resolve = (words: Uint32Array, at: number) => {
    const found = find(words, at)
    return found < 0 && options.discover !== undefined ? discoverAt(words, at) : found
  }

  return {
    get size() {
      return keys.length
    },
    get version() {
      return version
    },
    get refused() {
      return addresses.refused
    },
    put({ key, id, addresses: texts }) {
      const number = numberFor(key, id)
      release(number)
      const own: number[] = []
      for (const text of texts) {
        const words = parseAddress(text.split('/')[0]!)
        const address = words === null ? -1 : addresses.intern(words, 0)
        if (address < 0) continue
        setOwner(address, number)
        own.push(address)
      }
      held.set(number, own)
      return number
    },
    remove(key) {
      const number = numbers.get(key)
      if (number === undefined) return
      release(number)
      gone.add(number)
    },
    sweep(isKept) {
      const freed = [...gone].filter((number) => !isKept(number))
      for (const number of freed) {
        gone.delete(number)
        numbers.delete(keys[number]!)
        free.push(number)
      }
      if (freed.length > 0) addresses.sweep((address) => owner[address] !== 0)
      return freed
    },
    find,
    resolve,
    assign(batch) {
      for (let row = 0; row < batch.count; row++) {
        batch.sourceWorkload[row] = resolve(batch.source, row * 4)
        batch.targetWorkload[row] = resolve(batch.target, row * 4)
      }
    },
    keyOf: (workload) => keys[workload]!,
    idOf: (workload) => ids[workload]!,
    numberOf: (key) => numbers.get(key) ?? -1,
    read: (workload, out) => addresses.read(held.get(workload)?.[0] ?? -1, out, 0),
    present: () => held.keys(),
  }
}

/**
 * Vouches for the sources of an assigned batch that are ours. Only to be called while rules in force drop whatever does not
 * come from its own interface with its own address: then a forged packet never became a tracked flow.
 */
export function markAntispoofed(batch: FlowBatch): void {
  for (let row = 0; row < batch.count; row++) if (batch.sourceWorkload[row]! >= 0) batch.marks[row]! |= Mark.antispoofed
}
