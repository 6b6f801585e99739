/**
 * Straight code over pairs of doubles, as a WebAssembly module: a filter steps two series with each instruction, and needs no
 * check of bounds for each number. A program is written as expressions and stores; there are no branches, what holds for one
 * of a pair alone is chosen by a mask. IEEE 754 all the way, so that a pair says to the last bit what two numbers would.
 * (WebAssembly core specification 2.0, §5 binary format; vector instructions §5.4.8.)
 */

/** Code that leaves one pair (v128). */
export type Pair = readonly number[]

const unsigned = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]

const VECTOR = 0xfd
const operator =
  (code: number) =>
  (...operands: readonly Pair[]): Pair => [...operands.flat(), VECTOR, ...unsigned(code)]
type Two = (a: Pair, b: Pair) => Pair
const fold =
  (two: Two) =>
  (first: Pair, ...rest: readonly Pair[]): Pair =>
    rest.reduce((all, one) => two(all, one), first)

export const add = fold(operator(0xf0) as Two)
export const mul = fold(operator(0xf2) as Two)
export const sub: Two = operator(0xf1)
export const div: Two = operator(0xf3)
/** `a`, unless `b` is less (more): of what is no number in `a` it stays so. One instruction, which `Math.min` is not. */
export const min: Two = operator(0xf6)
export const max: Two = operator(0xf7)
export const root: (a: Pair) => Pair = operator(0xef)
/** Masks: all bits where it holds. */
export const same: Two = operator(0x47)
export const above: Two = operator(0x4a)
export const and: Two = operator(0x4e)
/** `a` where the mask holds, else `b`. */
export const choose = (mask: Pair, a: Pair, b: Pair): Pair => operator(0x52)(a, b, mask)

/** Both numbers of each: [a₀ + a₁, b₀ + b₁]. Named twice in the code: what is long is kept before. */
export function sums(a: Pair, b: Pair): Pair {
  const lanes = (which: number, of: number) => Array.from({ length: 8 }, (_, byte) => 16 * of + 8 * which + byte)
  const picked = (which: number): Pair => [...a, ...b, VECTOR, SHUFFLE, ...lanes(which, 0), ...lanes(which, 1)]
  return add(picked(0), picked(1))
}

/** What an address is counted from, in bytes: one of the three pointers that a function is called with, or the beginning. */
export type Base = 'first' | 'second' | 'third' | 'memory'
export type Program = {
  load(base: Base, offset: number): Pair
  store(base: Base, offset: number, value: Pair): void
  /** Computed once. */
  keep(value: Pair): Pair
}

const [LOAD, STORE, CONSTANT, SHUFFLE] = [0x00, 0x0b, 0x0c, 0x0d]
const [LOCAL_GET, LOCAL_SET, I32_CONSTANT, END] = [0x20, 0x21, 0x41, 0x0b]
/** Eight bytes: what is told of alignment is a hint (§4.4.7). */
const ALIGNED = 3
const BASES: Record<Base, readonly number[]> = {
  first: [LOCAL_GET, 0],
  second: [LOCAL_GET, 1],
  third: [LOCAL_GET, 2],
  memory: [I32_CONSTANT, 0],
}

export function constant(value: number): Pair {
  const bytes = new Uint8Array(Float64Array.of(value, value).buffer)
  return [VECTOR, CONSTANT, ...bytes]
}

export type Programs<Name extends string> = Readonly<Record<Name, (program: Program) => void>>

/** A module that has a memory, and a function of three pointers for each program. */
export function assemble(programs: Programs<string>): WebAssembly.Module {
  const names = Object.keys(programs)
  const bodies = Object.values(programs).map(bodyOf)
  const functions = names.flatMap((name, i) => [...text(name), FUNCTION, i])
  return new WebAssembly.Module(
    Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [1, FUNCTION_TYPE, POINTERS, ...Array(POINTERS).fill(I32), 0]),
      ...section(3, [bodies.length, ...bodies.map(() => 0)]),
      ...section(5, [1, 0, 1]),
      ...section(7, [1 + names.length, ...text('memory'), MEMORY, 0, ...functions]),
      ...section(10, [bodies.length, ...bodies.flatMap((body) => [...unsigned(body.length), ...body])]),
    ]),
  )
}

const [I32, V128, FUNCTION_TYPE, FUNCTION, MEMORY, POINTERS] = [0x7f, 0x7b, 0x60, 0, 2, 3]

function bodyOf(write: (program: Program) => void): number[] {
  const code: number[] = []
  let local = POINTERS - 1
  write({
    load: (base, offset) => [...BASES[base], VECTOR, LOAD, ALIGNED, ...unsigned(offset)],
    store(base, offset, value) {
      code.push(...BASES[base], ...value, VECTOR, STORE, ALIGNED, ...unsigned(offset))
    },
    keep(value) {
      const place = unsigned(++local)
      code.push(...value, LOCAL_SET, ...place)
      return [LOCAL_GET, ...place]
    },
  })
  return [1, ...unsigned(local + 1 - POINTERS), V128, ...code, END]
}

const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content]
const text = (name: string): number[] => [name.length, ...new TextEncoder().encode(name)]

/** Rows whose numbers go in and out together: what one step hands to the next is in the cache still. */
export const CHUNK = 256

const PAGE = 65_536

/** A module at work: its memory, and its functions. */
export type Machine<Name extends string = never> = {
  readonly memory: WebAssembly.Memory
} & Readonly<Record<Name, (first: number, second: number, third: number) => void>>

/** What starts a machine for rows of a width: each width is assembled once. */
export function starter<Name extends string>(programs: (width: number) => Programs<Name>) {
  const assembled = new Map<number, WebAssembly.Module>()
  return (width: number): Machine<Name> => {
    const module = assembled.get(width) ?? assemble(programs(width))
    assembled.set(width, module)
    return start(module)
  }
}

export function start<Name extends string>(module: WebAssembly.Module): Machine<Name> {
  return new WebAssembly.Instance(module).exports as Machine<Name>
}

/** Room for so many doubles; what was there stays, and arrays over it must be made anew. */
export function makeRoom({ memory }: Machine, doubles: number): Float64Array {
  const missing = Math.ceil((doubles * Float64Array.BYTES_PER_ELEMENT) / PAGE) - memory.buffer.byteLength / PAGE
  if (missing > 0) memory.grow(missing)
  return new Float64Array(memory.buffer)
}

/** Rows of a width, each so far from the next in both. */
export function copyRows(
  count: number,
  width: number,
  source: Float64Array,
  from: number,
  fromNext: number,
  target: Float64Array,
  to: number,
  toNext: number,
): void {
  if (fromNext === toNext) target.set(source.subarray(from, from + count * width), to)
  else for (let i = 0; i < count; i++) copyRows(1, width, source, from + i * fromNext, 0, target, to + i * toNext, 0)
}
