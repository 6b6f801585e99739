import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createServiceNames } from '../source.ts'
import { createTailSource, type TailSource } from './tail.ts'
import { openTail } from './tail-file.ts'
import { createZeekLog } from './zeek-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'guise-tail-'))
after(() => rmSync(folder, { recursive: true }))
let made = 0
const fresh = () => {
  const path = join(folder, String(made++))
  mkdirSync(path)
  return path
}

const HEADER = '#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n'
const row = (port: number) => `1767000000.5\t10.0.0.1\t${port}\t10.0.0.2\t443\ttcp\n`

type Following = {
  readonly source: TailSource
  readonly ports: number[]
  until(what: () => boolean): Promise<void>
  stop(): Promise<void>
}

/** Follows until stopped; `ports` are the source ports of the rows in the order they came. */
function follow(path: string, positions: string | null = null, clock = Date.now): Following {
  const services = createServiceNames()
  const source = createTailSource({
    name: 'zeek',
    path,
    wants: (name) => /^conn\..*log$/.test(name),
    rows: () => createZeekLog(services),
    positions,
    lookEveryMs: 5,
    clock,
  })
  const stopping = new AbortController()
  const ports: number[] = []
  const reading = (async () => {
    for await (const batch of source.batches(stopping.signal)) ports.push(...batch.sourcePort.subarray(0, batch.count))
  })()
  return {
    source,
    ports,
    async until(what) {
      for (const end = performance.now() + 10_000; !what(); await new Promise((resolve) => setTimeout(resolve, 5)))
        if (performance.now() > end)
          assert.fail(
            `it did not come: ${JSON.stringify({ ports: ports.slice(-20), figures: source.figures, counters: source.counters })}`,
          )
    },
    async stop() {
      stopping.abort()
      await reading
    },
  }
}

test('from the end of what is there, whole lines only, with the columns that its header says', async () => {
  const path = join(fresh(), 'conn.log')
  writeFileSync(path, HEADER + row(1) + row(2))
  const following = follow(path)
  await following.until(() => following.source.figures.followed === 1)
  appendFileSync(path, row(3).slice(0, 20))
  appendFileSync(path, row(3).slice(20) + row(4))
  await following.until(() => following.ports.length >= 2)
  await following.stop()
  assert.deepEqual(following.ports, [3, 4])
  assert.equal(following.source.counters.refused, 0)
})

test('a header with blanks before it is a header, at the end of a file as well', async () => {
  const path = join(fresh(), 'conn.log')
  writeFileSync(path, `\t${HEADER}${row(1)}`)
  const following = follow(path)
  await following.until(() => following.source.figures.followed === 1)
  appendFileSync(path, row(2))
  await following.until(() => following.ports.length >= 1 || following.source.counters.refused > 0)
  await following.stop()
  assert.deepEqual([following.ports, following.source.counters.refused], [[2], 0])
})

test('a file renamed away and made anew: what was written last into the old one is not lost, compressed or not', async () => {
  const dir = fresh()
  const path = join(dir, 'conn.log')
  writeFileSync(path, HEADER)
  const following = follow(path)
  await following.until(() => following.source.figures.followed === 1)
  appendFileSync(path, row(1))
  await following.until(() => following.ports.length === 1)
  renameSync(path, join(dir, 'conn.log.1'))
  appendFileSync(join(dir, 'conn.log.1'), row(2))
  writeFileSync(path, HEADER + row(3))
  execFileSync('gzip', [join(dir, 'conn.log.1')])
  await following.until(() => following.ports.length === 3)
  await following.stop()
  assert.deepEqual(following.ports, [1, 2, 3])
  assert.equal(following.source.figures.rotated, 1)
})

test('a file cut off in place begins again', async () => {
  const path = join(fresh(), 'conn.log')
  writeFileSync(path, HEADER + row(1) + row(2) + row(3))
  const following = follow(path)
  await following.until(() => following.source.figures.followed === 1)
  truncateSync(path, 0)
  await following.until(() => following.source.figures.truncated === 1)
  appendFileSync(path, HEADER + row(4))
  await following.until(() => following.ports.length === 1)
  await following.stop()
  assert.deepEqual(following.ports, [4])
})

test('folders of hourly files: a new one is read whole, an archived one under its new name not again', async () => {
  const dir = fresh()
  mkdirSync(join(dir, 'current'))
  const path = join(dir, 'current/conn.log')
  writeFileSync(path, HEADER)
  const following = follow(dir)
  await following.until(() => following.source.figures.followed === 1)
  appendFileSync(path, row(1))
  await following.until(() => following.ports.length === 1)
  mkdirSync(join(dir, '2026-01-01'))
  renameSync(path, join(dir, '2026-01-01/conn.00:00:00-01:00:00.log'))
  writeFileSync(path, HEADER + row(2))
  writeFileSync(join(dir, '2026-01-01/conn.other.log'), HEADER + row(3))
  await following.until(() => following.ports.length >= 3)
  await following.stop()
  assert.deepEqual(following.ports.sort(), [1, 2, 3])
})

test('files named by their hour and deleted when they are old: the hundredth is followed like the first', async () => {
  const dir = fresh()
  let now = Date.now()
  const path = (of: number) => join(dir, `conn.${of}.log`)
  writeFileSync(path(0), HEADER)
  const following = follow(dir, null, () => now)
  await following.until(() => following.source.figures.followed === 1)
  for (let hour = 1; hour <= 100; hour++) {
    now += 3_600_000
    writeFileSync(path(hour), HEADER + row(hour))
    rmSync(path(hour - 3), { force: true })
    await following.until(() => following.ports.length === hour)
  }
  assert.ok(following.source.figures.followed < 10)
  assert.equal(following.source.figures.unfollowed, 0)
  await following.stop()
  assert.deepEqual(
    following.ports,
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
})

test('more files than are followed at once: one that waited for room is read from its end, as it would have been', async () => {
  const dir = fresh()
  let now = Date.now()
  for (let i = 1; i <= 70; i++) writeFileSync(join(dir, `conn.${i}.log`), HEADER + row(i))
  const following = follow(dir, null, () => now)
  await following.until(() => following.source.figures.followed === 64)
  assert.equal(following.source.figures.unfollowed, 6)
  now += 3 * 3_600_000
  await following.until(() => following.source.figures.followed === 6)
  for (let i = 1; i <= 70; i++) appendFileSync(join(dir, `conn.${i}.log`), row(100 + i))
  writeFileSync(join(dir, 'conn.new.log'), HEADER + row(200))
  now += 3_000
  await following.until(() => following.ports.length >= 7)
  await following.stop()
  assert.deepEqual(
    following.ports.filter((port) => port <= 100),
    [],
    'what was there before is not told as of now',
  )
  assert.equal(following.ports.length, 7, 'the six that waited, and the new one whole')
})

test('a restart goes on where it was, also through a rotation that nobody saw', async () => {
  const dir = fresh()
  const path = join(dir, 'conn.log')
  const positions = join(dir, 'positions.json')
  writeFileSync(path, HEADER)
  const first = follow(path, positions)
  await first.until(() => first.source.figures.followed === 1)
  appendFileSync(path, row(1))
  await first.until(() => first.ports.length === 1)
  await first.stop()
  appendFileSync(path, row(2))
  const second = follow(path, positions)
  await second.until(() => second.ports.length === 1)
  await second.stop()
  appendFileSync(path, row(3))
  renameSync(path, join(dir, 'conn.log.1'))
  writeFileSync(path, HEADER + row(4))
  const third = follow(path, positions)
  await third.until(() => third.ports.length === 2)
  await third.stop()
  assert.deepEqual([first.ports, second.ports, third.ports.sort()], [[1], [2], [3, 4]])
})

test('what was rotated away and is gone is said', async () => {
  const dir = fresh()
  const path = join(dir, 'conn.log')
  const positions = join(dir, 'positions.json')
  writeFileSync(path, HEADER + row(1))
  const first = follow(path, positions)
  await first.until(() => first.source.figures.followed === 1)
  await first.stop()
  writeFileSync(join(dir, 'new'), HEADER + row(2))
  renameSync(join(dir, 'new'), path)
  const second = follow(path, positions)
  await second.until(() => second.ports.length === 1)
  await second.stop()
  assert.deepEqual(second.ports, [2])
  assert.match(second.source.counters.refusals[0]!.why, /rotated away and gone/)
})

test('a line without an end, garbage and a file that is not there yet: bounded, counted, and reading goes on', async () => {
  const path = join(fresh(), 'conn.log')
  const following = follow(path)
  writeFileSync(path, HEADER)
  await following.until(() => following.source.figures.followed === 1)
  appendFileSync(path, 'x'.repeat(300_000))
  await following.until(() => following.source.figures.tooLong === 1)
  appendFileSync(path, `\n${row(1)}garbage\t\t\n${row(2)}`)
  await following.until(() => following.ports.length === 2)
  await following.stop()
  assert.deepEqual(following.ports, [1, 2])
  assert.equal(following.source.counters.refused, 1)
})

test('a file is renamed away at any moment of a look: its last line is not lost', async () => {
  for (let turn = 0; turn < 40; turn++) {
    const path = join(fresh(), 'conn.log')
    writeFileSync(path, row(1))
    const lines: string[] = []
    const figures = { rotated: 0, truncated: 0, lostBytes: 0, tooLong: 0 }
    const file = (await openTail(path, { at: 'beginning' }, figures))!
    const read = () =>
      file.read(
        (bytes, from, to) => void lines.push(bytes.toString('latin1', from, to)),
        () => {},
      )
    await read()
    const looking = read()
    // A look is a few calls of the system one after the other: each turn it is at another of them.
    for (let i = 0; i < turn % 4; i++) await new Promise(setImmediate)
    appendFileSync(path, row(2))
    renameSync(path, `${path}.1`)
    writeFileSync(path, row(3))
    await looking
    for (let i = 0; i < 6; i++) await read()
    await file.close()
    assert.deepEqual(
      lines,
      [1, 2, 3].map((port) => row(port).trimEnd()),
    )
    assert.equal(figures.rotated, 1)
  }
})
