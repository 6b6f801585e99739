/** NetFlow v5, v9 and IPFIX under fuzz: real exporters' datagrams where the data is there, made-up ones always. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createFlowBatch } from '../../src/model/flow.ts'
import { createNetflowDecoder, DATAGRAM_ROWS } from '../../src/observe/netflow/decoder.ts'
import { createDescription } from '../../src/observe/netflow/describe.ts'
import { createPairing } from '../../src/observe/netflow/pairing.ts'
import { createServiceNames, createSourceCounters } from '../../src/observe/source.ts'
import { DATA } from '../../test/need.ts'
import type { FuzzTarget } from './target.ts'

const FOLDER = `${DATA}/formats/netflow-ipfix`

function open(): (input: Uint8Array) => void {
  const decoder = createNetflowDecoder({
    services: createServiceNames(),
    counters: createSourceCounters(),
    pairing: createPairing(16_384),
  })
  const batch = createFlowBatch(DATAGRAM_ROWS * 2)
  let number = 0
  return (input) => {
    batch.count = 0
    // Ever new exporters, too: what is kept of them is bounded.
    const exporter = `192.0.2.${number++ % 64 === 0 ? number : 1}`
    decoder.decode(input, 0, input.length, exporter, number, batch)
    if (number % 256 === 0) decoder.release(number - 100, batch)
  }
}

function samples(prefix: string): Uint8Array[] {
  const made = prefix === 'ipfix' ? [templates(200), variable(200), fixed(400)] : [v9(400)]
  if (!existsSync(FOLDER)) return made
  const real = readdirSync(FOLDER).filter((name) => name.startsWith(prefix) && name.endsWith('.dat'))
  return [...made, ...real.map((name) => new Uint8Array(readFileSync(`${FOLDER}/${name}`)))]
}

const u16 = (n: number) => [(n >>> 8) & 255, n & 255]
const u32 = (n: number) => [...u16(n >>> 16), ...u16(n)]
const set = (id: number, body: readonly number[]) => [...u16(id), ...u16(body.length + 4), ...body]
const message = (...sets: readonly number[][]) => {
  const body = sets.flat()
  return Uint8Array.from([...u16(10), ...u16(body.length + 16), ...u32(1_700_000_000), ...u32(0), ...u32(1), ...body])
}
const KEYS = [8, 4, 12, 4, 7, 2, 11, 2, 4, 1].flatMap((n) => u16(n))

/** As many templates as fit. */
function templates(bytes: number): Uint8Array {
  const one = (id: number) => [...u16(id), ...u16(5), ...KEYS]
  const count = Math.max(1, Math.floor((bytes - 20) / 24))
  return message(set(2, Array.from({ length: count }, (_, i) => one(256 + i)).flat()))
}

/** Records of nothing but empty variable fields: the most work a byte can make. */
function variable(bytes: number): Uint8Array {
  const template = set(2, [...u16(256), ...u16(7), ...KEYS, ...u16(96), ...u16(0xffff), ...u16(82), ...u16(0xffff)])
  const record = [10, 0, 0, 1, 10, 0, 0, 2, 1, 0, 0, 80, 6, 0, 0]
  const count = Math.max(1, Math.floor((bytes - 16 - template.length - 4) / record.length))
  return message(template, set(256, Array.from({ length: count }, () => record).flat()))
}

function fixed(bytes: number): Uint8Array {
  const template = set(2, [...u16(256), ...u16(5), ...KEYS])
  const count = Math.max(1, Math.floor((bytes - 16 - template.length - 4) / 13))
  const record = (i: number) => [10, 0, 0, i & 255, 10, 1, i >>> 8, i & 255, 200, i & 255, 0, 80, 6]
  return message(template, set(256, Array.from({ length: count }, (_, i) => record(i)).flat()))
}

function v9(bytes: number): Uint8Array {
  const ipfix = fixed(bytes)
  const body = [...ipfix.subarray(16)]
  body[1] = 0
  return Uint8Array.from([...u16(9), ...u16(2), ...u32(1_000), ...u32(1_700_000_000), ...u32(0), ...u32(1), ...body])
}

export const netflow: FuzzTarget = { name: 'netflow', samples: () => samples('netflow'), open, growing: { v9 } }
export const ipfix: FuzzTarget = {
  name: 'ipfix',
  samples: () => samples('ipfix'),
  open,
  growing: { templates, variable, fixed },
}
export const netflowDescribed: FuzzTarget = {
  name: 'netflowDescribed',
  samples: () => [...samples('netflow'), ...samples('ipfix')],
  open() {
    let description = createDescription()
    let fed = 0
    return (input) => {
      // It is made for one file at a time and keeps all templates of it.
      if (fed++ % 1_000 === 0) description = createDescription()
      description.describe(input, [])
    }
  },
  growing: { variable, fixed },
}
