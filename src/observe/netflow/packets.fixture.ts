/** Datagrams made by hand for tests: NetFlow v5, v9 and IPFIX from lists of fields. */

export const u8 = (n: number): number[] => [n & 255]
export const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255]
export const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 0xffff)]
export const u64 = (n: number): number[] => [...u32(Math.floor(n / 4_294_967_296)), ...u32(n % 4_294_967_296)]
export const ip = (text: string): number[] => text.split('.').map(Number)
export const name = (text: string, length: number): number[] =>
  Array.from({ length }, (_, i) => (i < text.length ? text.charCodeAt(i) : 0))

/** Element, bytes, and the enterprise if it is a vendor's. */
export type Spec = readonly [element: number, bytes: number, enterprise?: number]

export const set = (id: number, body: readonly number[]): number[] => [...u16(id), ...u16(body.length + 4), ...body]

function specs(fields: readonly Spec[]): number[] {
  return fields.flatMap(([element, bytes, enterprise]) =>
    enterprise === undefined
      ? [...u16(element), ...u16(bytes)]
      : [...u16(element | 0x8000), ...u16(bytes), ...u32(enterprise)],
  )
}
/** Body of one template, for either version. */
export const template = (id: number, fields: readonly Spec[]): number[] => [
  ...u16(id),
  ...u16(fields.length),
  ...specs(fields),
]
export const optionsIpfix = (id: number, scopes: readonly Spec[], fields: readonly Spec[]): number[] => [
  ...u16(id),
  ...u16(scopes.length + fields.length),
  ...u16(scopes.length),
  ...specs([...scopes, ...fields]),
]
export const optionsV9 = (id: number, scopes: readonly Spec[], fields: readonly Spec[]): number[] => [
  ...u16(id),
  ...u16(scopes.length * 4),
  ...u16(fields.length * 4),
  ...specs([...scopes, ...fields]),
]

export const SECONDS = 1_700_000_000
export type Head = { readonly sequence?: number; readonly domain?: number; readonly uptimeMs?: number }

export function ipfix(sets: readonly number[][], { sequence = 0, domain = 1 }: Head = {}): Uint8Array {
  const body = sets.flat()
  return Uint8Array.from([
    ...u16(10),
    ...u16(body.length + 16),
    ...u32(SECONDS),
    ...u32(sequence),
    ...u32(domain),
    ...body,
  ])
}
export function v9(sets: readonly number[][], { sequence = 0, domain = 1, uptimeMs = 100_000 }: Head = {}): Uint8Array {
  const head = [...u16(9), ...u16(sets.length), ...u32(uptimeMs), ...u32(SECONDS), ...u32(sequence), ...u32(domain)]
  return Uint8Array.from([...head, ...sets.flat()])
}

export type V5Record = {
  readonly source: string
  readonly target: string
  readonly ports: readonly [number, number]
  readonly proto?: number
  readonly flags?: number
  readonly packets?: number
  readonly bytes?: number
  readonly firstMs?: number
  readonly lastMs?: number
}
export function v5(
  records: readonly V5Record[],
  { sequence = 0, uptimeMs = 100_000, sampling = 0 }: Head & { readonly sampling?: number } = {},
): Uint8Array {
  const head = [
    ...u16(5),
    ...u16(records.length),
    ...u32(uptimeMs),
    ...u32(SECONDS),
    ...u32(0),
    ...u32(sequence),
    0,
    0,
    ...u16(sampling),
  ]
  const body = records.flatMap((r) => [
    ...ip(r.source),
    ...ip(r.target),
    ...u32(0),
    ...u32(0),
    ...u32(r.packets ?? 1),
    ...u32(r.bytes ?? 100),
    ...u32(r.firstMs ?? 90_000),
    ...u32(r.lastMs ?? 95_000),
    ...u16(r.ports[0]),
    ...u16(r.ports[1]),
    0,
    r.flags ?? 0,
    r.proto ?? 6,
    ...new Array<number>(9).fill(0),
  ])
  return Uint8Array.from([...head, ...body])
}

/** Source, target, ports, protocol, bytes, packets: what every flow has. */
export const KEYS: readonly Spec[] = [
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [4, 1],
  [1, 4],
  [2, 4],
]
export const flow = (source: string, target: string, ports: readonly [number, number], bytes = 1_000, proto = 6) => [
  ...ip(source),
  ...ip(target),
  ...u16(ports[0]),
  ...u16(ports[1]),
  proto,
  ...u32(bytes),
  ...u32(10),
]
