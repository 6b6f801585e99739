import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createEveScan, Found, slotOf, type Wanted } from './eve-scan.ts'

const NAMES = [
  'timestamp',
  'src_port',
  'flow',
  'flow.start',
  'flow.bytes_toserver',
  'tls',
  'tls.sni',
  'tls.ja3',
  'tls.ja3.hash',
] as const satisfies readonly Wanted[]

let scan = createEveScan()

/** What the walk says of a line, or null; beside bytes of other lines, which must not matter. */
function walk(line: string): Record<string, unknown> | null {
  const bytes = Buffer.from(`"x":1}\n${line}\n{"src_port":9`)
  const to = 7 + Buffer.byteLength(line)
  if (!scan.walk(bytes, 7, to)) return null
  const said = NAMES.map((name) => {
    const slot = slotOf(name)
    const kind = scan.kind[slot]
    if (kind === Found.text) return [name, bytes.toString('latin1', scan.from[slot], scan.to[slot])]
    if (kind === Found.count) return [name, scan.count[slot]]
    return [name, kind === Found.object ? 'object' : undefined]
  })
  return Object.fromEntries(said)
}

function parsed(line: string): Record<string, unknown> {
  const event = JSON.parse(line) as Record<string, unknown>
  const at = (path: string) =>
    path.split('.').reduce<unknown>((inner, key) => {
      const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      return isObject && Object.hasOwn(inner, key) ? (inner as Record<string, unknown>)[key] : undefined
    }, event)
  return Object.fromEntries(NAMES.map((name) => [name, typeof at(name) === 'object' ? 'object' : at(name)]))
}

test('what is walked over says what parsing says, of any JSON', () => {
  const key = fc.constantFrom(
    'timestamp',
    'src_port',
    'flow',
    'start',
    'bytes_toserver',
    'tls',
    'sni',
    'ja3',
    'hash',
    'x',
  )
  const leaf = fc.oneof(
    fc.nat(),
    fc.double(),
    fc.string({ maxLength: 8 }),
    fc.constantFrom('', '}', '"', '\\', '\u007f', 'é', null, true, 9_007_199_254_740_991, 1e21, -1),
    fc.array(fc.oneof(fc.nat(9), fc.string({ maxLength: 3 })), { maxLength: 3 }),
  )
  const tree = fc.letrec((tie) => ({
    value: fc.oneof({ weight: 4, arbitrary: leaf }, { weight: 3, arbitrary: tie('object') }),
    object: fc.dictionary(key, tie('value'), { maxKeys: 6 }),
  }))
  let walked = 0
  fc.assert(
    fc.property(tree.object, (event) => {
      // The second line is of the first one's shape, mostly; the third is the first again.
      const line = JSON.stringify(event)
      const other = JSON.stringify(event, (_, value: unknown) =>
        typeof value === 'number' ? Math.round(value / 3) : typeof value === 'string' ? `${value}y` : value,
      )
      scan = createEveScan()
      for (const one of [line, other, line]) {
        const said = walk(one)
        if (said === null) continue
        walked++
        assert.deepEqual(said, parsed(one))
      }
    }),
    { numRuns: 5_000 },
  )
  assert.ok(walked > 500, `${walked} were walked over`)
})

test('a line that is cut, changed or no JSON is either parsed or says the same', () => {
  const whole = JSON.stringify({
    timestamp: '2026',
    src_port: 80,
    list: [1, 'a', true],
    flow: { start: 'x', bytes_toserver: 5, deep: { deeper: { start: 'y' } } },
    tls: { sni: 'a.b', ja3: { hash: 'ab' } },
    far: -1.5e3,
  })
  assert.deepEqual(walk(whole), {
    timestamp: '2026',
    src_port: 80,
    flow: 'object',
    'flow.start': 'x',
    'flow.bytes_toserver': 5,
    tls: 'object',
    'tls.sni': 'a.b',
    'tls.ja3': 'object',
    'tls.ja3.hash': 'ab',
  })
  fc.assert(
    fc.property(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(127), (cut, at, code) => {
      const changed = whole.slice(0, at) + String.fromCharCode(code) + whole.slice(at + 1)
      for (const line of [whole, whole.slice(0, cut), changed]) {
        const said = walk(line)
        if (said !== null) assert.deepEqual(said, parsed(line))
      }
    }),
    { numRuns: 5_000 },
  )
})

test('an object that comes twice, and a value of another kind than usual, are parsed', () => {
  for (const line of [
    '{"flow":{"start":"a"},"flow":{"end":"b"}}',
    '{"flow":1}',
    '{"src_port":"80"}'.replace('"80"', '80.0'),
    '{"src_port":-1}',
    '{"src_port":080}',
    '{"timestamp":{"a":1}}',
    '{"timestamp":null}',
    '{"a":1,}',
    '{"a":01}',
    '{}',
  ])
    assert.equal(walk(line), null, line)
})
