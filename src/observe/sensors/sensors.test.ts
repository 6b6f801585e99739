import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFlowBatch } from '../../model/flow.ts'
import { createAuditReader } from './auditd.ts'
import { createFalcoReader } from './falco.ts'
import { containerOf, type SensorEvent, type SensorReader, sensorRows } from './sensor.ts'
import { createTetragonReader } from './tetragon.ts'

const ID = '998306071edc0123456789abcdef0123'
const EXEC = `{"process_exec":{"process":{"exec_id":"bm9kZTox","pid":41233,"uid":0,"binary":"/bin/sh","arguments":"-c id","flags":"execve clone","start_time":"2026-09-03T16:21:06.9Z","docker":"${ID.slice(0, 31)}","tid":41233},"parent":{"pid":41230,"binary":"/usr/bin/runc"}},"node_name":"mars","time":"2026-09-03T16:21:06.900200000Z"}`
const KPROBE = `{"process_kprobe":{"process":{"pid":7,"pod":{"container":{"id":"containerd://${ID}"}}},"parent":{"pid":1},"function_name":"__x64_sys_openat","action":"KPROBE_ACTION_POST"},"node_name":"mars","time":"2026-09-03T16:21:06.9Z"}`
const EXIT = '{"process_exit":{"process":{"pid":41233},"parent":{"pid":1},"time":"x"},"node_name":"mars","time":"x"}'
const ALERT = `{"hostname":"mars","output":"11:23:11 Warning Shell (user=root)","output_fields":{"container.id":"${ID.slice(0, 12)}","evt.time":1749208991855188321,"proc.pid":99,"proc.name":"bash","user.name":"root"},"priority":"Warning","rule":"run_shell_in_container","source":"syscall","tags":[],"time":"2025-06-06T11:23:11.855188321Z"}`
const AUDIT = [
  'type=SYSCALL msg=audit(1650921443.448:267): arch=c000003e syscall=59 success=yes exit=0 a0=5 a1=7 a2=9 a3=2 items=2 ppid=1 pid=935 auid=0 uid=0 tty=(none) ses=2 comm="sh" exe="/bin/sh" key="k"\u001dARCH=x86_64 SYSCALL=execve pid=1',
  'type=EXECVE msg=audit(1650921443.448:267): argc=2 a0="sh" a1=2D63',
  'type=CWD msg=audit(1650921443.448:267): cwd="/"',
  'node=mars type=SYSCALL msg=audit(1650921443.449:268): arch=c000003e syscall=42 success=no exit=-115 ppid=1 pid=936 comm="x pid=1"',
  'node=mars type=SOCKADDR msg=audit(1650921443.449:268): saddr=020000007F0000010000000000000000',
] as const

const told = (reader: SensorReader, ...lines: readonly string[]) => {
  const events: SensorEvent[] = []
  const refused = lines.flatMap((line) => reader.take(line, (event) => events.push(event))?.why ?? [])
  return { events, refused }
}

test('Tetragon: programs and calls with whose they are, its own losses, and the rest passed over', () => {
  const reader = createTetragonReader()
  const lost = '{"rate_limit_info":{"number_of_dropped_process_events":"12"},"node_name":"mars"}'
  const { events, refused } = told(reader, EXEC, KPROBE, EXIT, lost)
  assert.deepEqual(events, [
    { kind: 'program', whose: { container: ID.slice(0, 31), pids: [41233, 41230], host: 'mars' } },
    { kind: 'call', whose: { container: ID, pids: [7, 1], host: 'mars' } },
    { kind: 'lost', events: 12 },
  ])
  assert.deepEqual([refused, [...reader.passed]], [[], [['process_exit', 1]]])
  assert.deepEqual(told(reader, '[]', '{}', '{"process_exec":1}', 'x').events, [])
})

test('Falco: an alert with its rule and how bad it is; what is none is refused', () => {
  const reader = createFalcoReader()
  const dropped = ALERT.replace('run_shell_in_container', 'Falco internal: syscall event drop').replace(
    '"proc.pid":99',
    '"n_drops":"5"',
  )
  const { events } = told(reader, ALERT, dropped)
  assert.deepEqual(events, [
    {
      kind: 'alert',
      whose: { container: ID.slice(0, 12), pids: [99], host: 'mars' },
      at: Date.parse('2025-06-06T11:23:11.855Z'),
      sensor: 'Falco',
      rule: 'run_shell_in_container',
      severity: 2,
    },
    { kind: 'lost', events: 5 },
  ])
  const wrong = [
    ALERT.replace('Warning"', 'Purple"'),
    ALERT.replace('Warning"', 'constructor"'),
    ALERT.replace('2025-', 'x'),
    ALERT.replace('"rule"', '"rules"'),
  ]
  assert.deepEqual([told(reader, ...wrong).events.length, told(reader, ...wrong).refused.length], [0, 4])
  const hostile = told(reader, ALERT.replace('run_shell_in_container', '\\u001b[31mred\\u202e'.repeat(50))).events[0]!
  assert.ok(
    hostile.kind === 'alert' &&
      hostile.rule.length <= 200 &&
      !hostile.rule.includes('\u001b') &&
      !hostile.rule.includes('\u202e'),
  )
})

test('auditd: records of one serial are one event, in whichever order; a call that failed started nothing', () => {
  const whose = { container: null, pids: [935, 1], host: null }
  for (const lines of [AUDIT, [AUDIT[1], AUDIT[0], AUDIT[2], AUDIT[3], AUDIT[4]]]) {
    const reader = createAuditReader()
    const { events, refused } = told(reader, ...lines)
    const of = (kind: string) => events.filter((event) => event.kind === kind)
    assert.deepEqual(of('program'), [{ kind: 'program', whose }])
    assert.deepEqual(of('call'), [
      { kind: 'call', whose },
      { kind: 'call', whose: { container: null, pids: [936, 1], host: 'mars' } },
    ])
    assert.deepEqual([refused, [...reader.passed.keys()]], [[], ['CWD', 'SOCKADDR']])
  }
})

test('halves that never meet are forgotten, and a second EXECVE record starts nothing', () => {
  const reader = createAuditReader()
  const at = (n: number, text: string) => text.replace(':267)', `:${n})`)
  assert.equal(told(reader, AUDIT[0], AUDIT[1], AUDIT[1]).events.length, 2)
  for (let n = 1_000; n < 3_000; n++) told(reader, at(n, AUDIT[0]))
  assert.equal(told(reader, at(1_000, AUDIT[1])).events.length, 0)
  assert.equal(told(reader, at(2_999, AUDIT[1])).events.length, 1)
})

test('no line stops a reader: cut short, changed, garbage, huge', () => {
  const all = [EXEC, KPROBE, EXIT, ALERT, ...AUDIT]
  const change = fc.array(fc.tuple(fc.nat(), fc.string({ maxLength: 4, unit: 'binary' })), { maxLength: 5 })
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.tuple(fc.constantFrom(...all), fc.nat(), change).map(([text, cut, changes]) => {
      let made = text.slice(0, cut % 3 === 0 ? cut % (text.length + 1) : undefined)
      for (const [at, put] of changes)
        made = made.slice(0, at % (made.length + 1)) + put + made.slice((at % (made.length + 1)) + 1)
      return made
    }),
  )
  const readers = [createTetragonReader(), createFalcoReader(), createAuditReader()]
  fc.assert(
    fc.property(line, (text) => {
      for (const reader of readers)
        for (const event of told(reader, text).events)
          if (event.kind !== 'lost') {
            assert.ok(event.whose.container === null || containerOf(event.whose.container) !== null)
            assert.ok(event.whose.pids.every((pid) => pid > 0) && (event.whose.host ?? '').length <= 255)
          }
    }),
    { numRuns: 500 },
  )
  for (const reader of readers) {
    told(
      reader,
      '{"process_exec":'.repeat(4_000),
      '['.repeat(60_000),
      'type=SYSCALL '.repeat(5_000),
      ' pid=1'.repeat(10_000),
    )
    assert.ok(reader.passed.size <= 201)
  }
})

test('followed like a log: what it told is counted, and no flow is made of it', () => {
  const figures = { events: 0, lost: 0 }
  const events: SensorEvent[] = []
  const rows = sensorRows(createTetragonReader(), figures, (event) => events.push(event))
  const batch = createFlowBatch(4)
  for (const text of [EXEC, '', '{"rate_limit_info":{"number_of_dropped_process_events":"3"}}']) {
    const bytes = Buffer.from(text)
    assert.equal(rows.take(batch, bytes, 0, bytes.length), null)
  }
  assert.deepEqual([figures, events.length, batch.count], [{ events: 1, lost: 3 }, 1, 0])
})
