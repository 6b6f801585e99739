import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { FORBIDDEN } from '../../../test/corpus/hostile-names.ts'
import { DATA, needData } from '../../../test/need.ts'
import { ethernet, pcapFile, tcp, udp } from '../../../test/pcap-writer.ts'
import { formatAddress } from '../../model/address.ts'
import { createServiceNames } from '../source.ts'
import { parseCsvMap } from './csv-map.ts'
import { readNfdump } from './nfdump.ts'
import { createFileSource } from './open.ts'
import { sniff } from './sniff.ts'

const folder = mkdtempSync(join(tmpdir(), 'guise-open-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const T = 1_700_000_000
const ENDS = { from: '10.0.0.1', to: '10.0.0.2', fromPort: 40_000, toPort: 80 }
const capture = (at: number) =>
  pcapFile([
    { atMs: at * 1_000, bytes: ethernet(tcp({ ...ENDS, flags: 'S', seq: 1 })) },
    { atMs: at * 1_000 + 10, bytes: ethernet(udp({ ...ENDS, toPort: 9_999 }, 'x')) },
  ])
const conn = (at: number) =>
  `#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n${at}\t10.0.0.1\t1\t10.0.0.2\t2\ttcp\n`
const ssh = (at: number) =>
  `${JSON.stringify({ ts: at, 'id.orig_h': '10.0.0.1', 'id.orig_p': 1, 'id.resp_h': '10.0.0.2', 'id.resp_p': 22, version: 2, auth_success: false, auth_attempts: 3 })}\n`
const eve = (at: number) => {
  const time = new Date(at * 1_000).toISOString()
  return `${JSON.stringify({ timestamp: time, event_type: 'flow', src_ip: '10.0.0.1', src_port: 1, dest_ip: '10.0.0.2', dest_port: 3, proto: 'UDP', flow: { bytes_toserver: 5, start: time, end: time } })}\n`
}
const netflow = (at: number) =>
  `StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State\n${at},0,udp,10.0.0.1,1,->,10.0.0.2,4,INT\n`
const other = (at: number) => `when,who,whom,what\n${at},10.0.0.1,10.0.0.2,tcp\n`

async function read(files: Readonly<Record<string, string | Uint8Array>>, csvMap?: string) {
  const dir = mkdtempSync(join(folder, 'case-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  return readPaths([dir], csvMap)
}

async function readPaths(paths: readonly string[], csvMap?: string) {
  const map = csvMap === undefined ? null : parseCsvMap(csvMap)
  const source = createFileSource({ paths, services: createServiceNames(), ...(map?.ok ? { csvMap: map.value } : {}) })
  const rows: { at: number; to: string }[] = []
  const hints: number[] = []
  for await (const batch of source.batches(new AbortController().signal)) {
    for (let row = 0; row < batch.count; row++)
      rows.push({ at: batch.start[row]! / 1e3, to: `${formatAddress(batch.target, row * 4)}:${batch.targetPort[row]}` })
    hints.push(...batch.hints.map(({ at }) => at / 1e3))
  }
  return { rows, hints, source }
}

test('a folder of everything, named anyhow: each file is what it holds, all in the order of time', async () => {
  const { rows, hints, source } = await read(
    {
      'a/nothing-in-its-name': capture(T + 1),
      'a/b/capture.txt': gzipSync(capture(T + 20)),
      'hour.dat': conn(T + 3),
      'logins.json': ssh(T + 4),
      'sensor.log.gz': gzipSync(eve(T + 5)),
      'flows.txt': netflow(T + 6),
      'mine.csv': other(T + 7),
      'README.md': '# Read me\n',
      'picture.png': Buffer.from([0x89, 0x50, 0x4e, 0x47]),
    },
    'start=when,source=who,target=whom,proto=what',
  )
  assert.deepEqual(
    rows.map(({ at }) => Math.round((at - T) * 100) / 100),
    [1, 1.01, 3, 5, 6, 7, 20, 20.01],
  )
  assert.deepEqual(hints, [T + 4])
  assert.equal(source.counters.refused, 0)
  assert.deepEqual(
    source.kinds.map(({ kind, files, rows, hints, refused }) => [kind, files, rows, hints, refused]),
    [
      ['pcap', 2, 4, 0, 0],
      ['zeek', 2, 1, 1, 0],
      ['eve', 1, 1, 0, 0],
      ['binetflow', 1, 1, 0, 0],
      ['csv', 1, 1, 0, 0],
    ],
  )
  assert.deepEqual(Object.fromEntries(source.skipped), { other: 2 })
  assert.equal(source.progress.bytes, source.progress.of)
  assert.equal(source.files, 7)
})

test('a file that is named must be readable: what was found and what to give is said', async () => {
  const names = { 'notes.txt': 'Dear diary\u001b[2J', 'x509.log': '#path\tx509\n#fields\tts\n', 'empty.bin': '' }
  const dir = mkdtempSync(join(folder, 'named-'))
  for (const [name, text] of Object.entries(names)) writeFileSync(join(dir, name), text)
  const { source } = await readPaths(Object.keys(names).map((name) => join(dir, name)))
  const cure =
    'give pcap, pcapng, nfdump, Zeek or EVE logs, binetflow, or other CSV with --csv-map start=COLUMN,source=COLUMN,target=COLUMN,proto=COLUMN'
  assert.deepEqual(
    source.counters.refusals.map(({ why }) => why),
    [
      `no format that is read: it begins with "Dear diary [2J"; ${cure}`,
      `Zeek's x509 log holds nothing that is read; ${cure}`,
      `no format that is read: it is empty; ${cure}`,
    ],
  )
})

test('a capture or log that breaks off gives what came before, and one refusal', async () => {
  const whole = gzipSync(Array.from({ length: 20_000 }, (_, i) => eve(T + ((i * 7_919) % 10_007))).join(''))
  const { rows, source } = await read({ 'eve.json.gz': whole.subarray(0, whole.length >> 1) })
  assert.ok(rows.length > 1_000 && rows.length < 20_000, `${rows.length} rows`)
  assert.ok(source.counters.refusals.some(({ why }) => why.startsWith('reading stopped')))
  const cut = await read({ 'a.pcap': capture(T).subarray(0, 100) })
  assert.equal(cut.rows.length, 1)
  assert.equal(cut.source.counters.refused, 1)
})

test('the beginning of a file may be anything', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom('', 'conn.log', 'x.csv'), (bytes, name) => {
      const sniffed = sniff(Buffer.from(bytes), name, null)
      if (sniffed.kind === null) assert.doesNotMatch(sniffed.found, FORBIDDEN)
    }),
  )
  const whole = [conn(T), ssh(T), eve(T), netflow(T)]
  fc.assert(
    fc.property(
      fc.constantFrom(...whole),
      fc.nat(300),
      (text, cut) => void sniff(Buffer.from(text.slice(0, cut)), 'a', null),
    ),
  )
})

function needNfdump(): string | false {
  try {
    execFileSync('nfdump', ['-V'], { stdio: 'ignore' })
    return needData('flows/slips/test1-malicious.nfdump')
  } catch {
    return 'needs nfdump (apt-get install nfdump)'
  }
}

const NFDUMP = `${DATA}/flows/slips/test1-malicious.nfdump`
test('an nfdump file: halves are conversations, and nothing of it is lost', { skip: needNfdump() }, async () => {
  const args = ['-r', NFDUMP, '-q', '-N', '-o', 'fmt:%byt']
  const bytes = execFileSync('nfdump', args, { encoding: 'latin1' }).trim().split('\n')
  const { rows, source } = await readPaths([NFDUMP])
  assert.equal(source.counters.refused, 0)
  assert.ok(rows.length < bytes.length && rows.length >= bytes.length / 2, `${rows.length} of ${bytes.length}`)
  let sum = 0
  const reading = readNfdump(NFDUMP, new AbortController().signal)
  for await (const batch of reading.batches)
    for (let row = 0; row < batch.count; row++) sum += batch.bytesOut[row]! + batch.bytesIn[row]!
  assert.equal(
    sum,
    bytes.reduce((total, text) => total + Number(text), 0),
  )
})

test('without nfdump its files are refused with the cure, and a broken one with what nfdump says', async () => {
  const path = join(folder, 'broken.nfdump')
  writeFileSync(path, Buffer.from('0ca50100', 'hex'))
  const none = readNfdump(path, new AbortController().signal, join(folder, 'no-such-program'))
  for await (const _ of none.batches) assert.fail('rows out of nothing')
  assert.deepEqual(
    none.counters.refusals.map(({ why }) => why),
    ['nfdump files are read by the nfdump program, which is not installed; install it: apt-get install nfdump'],
  )
  const failing = readNfdump(path, new AbortController().signal, '/bin/false')
  for await (const _ of failing.batches) assert.fail('rows out of nothing')
  assert.match(failing.counters.refusals[0]!.why, /^nfdump ended with 1/)
})
