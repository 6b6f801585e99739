/**
 * Who calls whom on which service, as one small number per row: traffic repeats itself, so whatever hangs off both ends
 * and the service is looked up once per channel and kept in arrays under its number. Open addressing over typed arrays;
 * bounded by forgetting everything at once, which costs a look-up per channel and loses nothing.
 */
import { type FlowBatch, Proto } from './flow.ts'

export type Channels = {
  readonly size: number
  /** Numbers are below this; it grows. */
  readonly room: number
  /** Rises when all numbers were forgotten: what is kept under them is over. */
  readonly generation: number
  /** The channel of every row; lent until the next call. */
  number(batch: FlowBatch): Int32Array
}

/** Words of a key: both addresses, service, ICMP type; filled up, so that a key has few cache lines. */
const STRIDE = 12
const MAPPED = 0xffff

/** `capacity`: forgotten before a batch that finds more than so many; there are never more than these and a batch. */
export function createChannels(capacity = 49_152): Channels {
  return new ChannelTable(capacity)
}

class ChannelTable implements Channels {
  size = 0
  room = 1_024
  generation = 1
  readonly #capacity: number
  #keys = new Uint32Array(this.room * STRIDE)
  /** Hash and number + 1 in turn, 0 = free; at most half full. */
  #slots = new Int32Array(this.room * 4)
  #numbers = new Int32Array(0)

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  number(batch: FlowBatch): Int32Array {
    if (this.size > this.#capacity) this.#forget()
    while (this.size + batch.count > this.room) this.#grow()
    if (this.#numbers.length < batch.count) this.#numbers = new Int32Array(Math.max(batch.count, batch.capacity))
    const numbers = this.#numbers
    const slots = this.#slots
    const keys = this.#keys
    const mask = slots.length - 2
    for (let row = 0; row < batch.count; row++) {
      const service = (batch.proto[row]! << 16) | batch.targetPort[row]!
      const type = isIcmp(batch.proto[row]!) ? batch.sourcePort[row]! : 0
      const hash = hashOf(batch, row, service, type)
      let slot = (hash << 1) & mask
      let number = slots[slot + 1]! - 1
      while (number >= 0 && !(slots[slot] === hash && isKey(keys, number * STRIDE, batch, row * 4, service, type))) {
        slot = (slot + 2) & mask
        number = slots[slot + 1]! - 1
      }
      if (number < 0) {
        number = this.size++
        slots[slot] = hash
        slots[slot + 1] = number + 1
        putKey(keys, number * STRIDE, batch, row * 4, service, type)
      }
      numbers[row] = number
    }
    return numbers
  }

  #forget(): void {
    this.size = 0
    this.generation++
    this.#slots.fill(0)
  }

  #grow(): void {
    this.room *= 2
    const keys = new Uint32Array(this.room * STRIDE)
    keys.set(this.#keys)
    this.#keys = keys
    const old = this.#slots
    const slots = new Int32Array(this.room * 4)
    const mask = slots.length - 2
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue
      let slot = (old[from]! << 1) & mask
      while (slots[slot + 1] !== 0) slot = (slot + 2) & mask
      slots[slot] = old[from]!
      slots[slot + 1] = old[from + 1]!
    }
    this.#slots = slots
  }
}

/** More of an array under the numbers of channels, what is there kept. */
export function grown<T extends Int32Array | Uint32Array | Float64Array | Uint16Array | Uint8Array>(
  array: T,
  length: number,
): T {
  if (array.length >= length) return array
  const more = new (array.constructor as new (length: number) => T)(length)
  more.set(array)
  return more
}

const isIcmp = (proto: number) => proto === Proto.icmp || proto === Proto.icmp6

function isKey(keys: Uint32Array, k: number, batch: FlowBatch, r: number, service: number, type: number): boolean {
  const { source, target } = batch
  return (
    keys[k + 3] === source[r + 3] &&
    keys[k + 7] === target[r + 3] &&
    keys[k + 8] === service &&
    keys[k + 9] === type &&
    keys[k + 2] === source[r + 2] &&
    keys[k + 6] === target[r + 2] &&
    keys[k] === source[r] &&
    keys[k + 1] === source[r + 1] &&
    keys[k + 4] === target[r] &&
    keys[k + 5] === target[r + 1]
  )
}

function putKey(keys: Uint32Array, k: number, batch: FlowBatch, r: number, service: number, type: number): void {
  for (let i = 0; i < 4; i++) {
    keys[k + i] = batch.source[r + i]!
    keys[k + 4 + i] = batch.target[r + i]!
  }
  keys[k + 8] = service
  keys[k + 9] = type
}

function hashOf(batch: FlowBatch, row: number, service: number, type: number): number {
  const { source, target } = batch
  const r = row * 4
  let h = Math.imul(source[r + 3]! ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + target[r + 3]!, 0xc2b2ae35)
  h = Math.imul((h ^ (h >>> 13)) + service, 0x27d4eb2f)
  if (source[r + 2] !== MAPPED || target[r + 2] !== MAPPED || type !== 0) {
    for (let i = 0; i < 3; i++) {
      h = Math.imul((h ^ (h >>> 15)) + source[r + i]!, 0x85ebca6b)
      h = Math.imul((h ^ (h >>> 13)) + target[r + i]!, 0xc2b2ae35)
    }
    h = Math.imul(h + type, 0x27d4eb2f)
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return h ^ (h >>> 13)
}
