/** The struct that the kernel is handed, and the book of counters against a kernel that keeps its rules: who inherits whom. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ProcEvent } from '../../netlink/proc-events.ts'
import { type CallsTold, createCallBook } from './calls.ts'
import { type CallKernel, counterAttr, findSysEnter, type Opened } from './perf.ts'

test('struct perf_event_attr is laid out as perf_event_open(2) has it, in its first published size', () => {
  const attr = counterAttr(0x1_0203)
  assert.equal(attr.length, 64, 'PERF_ATTR_SIZE_VER0')
  assert.equal(attr.readUInt32LE(0), 2, 'type: PERF_TYPE_TRACEPOINT')
  assert.equal(attr.readUInt32LE(4), 64, 'size')
  assert.equal(attr.readBigUInt64LE(8), 0x1_0203n, 'config: the tracepoint')
  assert.deepEqual(
    [16, 24, 32].map((at) => attr.readBigUInt64LE(at)),
    [0n, 0n, 0n],
    'no sampling, a bare count is read',
  )
  assert.equal(attr.readBigUInt64LE(40), 0b10n, 'inherit, and neither disabled nor any exclude_')
  assert.deepEqual([...attr.subarray(48)], Array(16).fill(0), 'no wake-ups, no breakpoint')
})

test('where tracefs is not mounted that is the reason, with the cure', () => {
  assert.match(
    String(findSysEnter(['/nowhere/tracing'])),
    /not mounted .*; mount -t tracefs none \/sys\/kernel\/tracing$/,
  )
  assert.match(String(findSysEnter([])), /not mounted/)
})

type Process = { readonly threads: number; readonly held: Set<number>; isAlive: boolean }

/** Counters as perf_event_open(2) says of `inherit`: who is started has those of whoever started it, and no other. */
class FakeKernel implements CallKernel {
  readonly processes = new Map<number, Process>()
  /** By descriptor; absent = closed. */
  readonly counts = new Map<number, number>()
  events: ProcEvent[] = []
  truth = 0
  refusing: string | null = null
  #time = 0
  #nextFd = 3

  open(thread: number): Opened {
    if (this.refusing !== null) return { why: this.refusing }
    const found = this.processes.get(Math.floor(thread / 100))
    if (found?.isAlive !== true) return 'gone'
    this.counts.set(++this.#nextFd, 0)
    found.held.add(this.#nextFd)
    return { fd: this.#nextFd }
  }
  read(fd: number): number {
    return this.counts.get(fd) ?? assert.fail(`${fd} is closed`)
  }
  close(fd: number): void {
    assert.ok(this.counts.delete(fd), `${fd} is closed twice`)
  }
  threadsOf(pid: number): number[] {
    const found = this.processes.get(pid)
    return found?.isAlive === true ? Array.from({ length: found.threads }, (_, i) => pid * 100 + i) : []
  }
  nowNs(): number {
    return ++this.#time
  }
  start(pid: number, parent: number | null, threads = 1): void {
    const held = new Set(parent === null ? [] : this.processes.get(parent)!.held)
    this.processes.set(pid, { threads, held, isAlive: true })
    this.events.push({ what: 'begun', pid, parent: parent ?? 0, atNs: ++this.#time })
  }
  end(pid: number): void {
    this.processes.get(pid)!.isAlive = false
    this.events.push({ what: 'ended', pid })
  }
  /** Each thread's counters hold their own thread's calls only: the first one's here. */
  call(pid: number, times: number): void {
    const { held } = this.processes.get(pid)!
    const open = [...held].filter((fd) => this.counts.has(fd))
    if (open.length > 0) this.truth += times
    assert.ok(open.length <= 1, `calls of ${pid} are counted ${open.length} times`)
    for (const fd of open) this.counts.set(fd, this.counts.get(fd)! + times)
  }
  get alive(): number[] {
    return [...this.processes].flatMap(([pid, { isAlive }]) => (isAlive ? [pid] : []))
  }
}

const totalOf = (told: CallsTold | undefined): number => {
  assert.ok(told !== undefined && 'total' in told, JSON.stringify(told))
  return told.total
}
const looking = (kernel: FakeKernel, most = 100) => {
  const book = createCallBook(kernel, most)
  const look = (pids = kernel.alive) => {
    for (const event of kernel.events.splice(0)) book.hear(event)
    return book.look(new Map([['w', pids]])).get('w')
  }
  return { book, look }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('start' as const), by: fc.nat(), isInside: fc.boolean() }),
  fc.record({ do: fc.constant('end' as const), by: fc.nat() }),
  fc.record({ do: fc.constant('call' as const), by: fc.nat(), times: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ do: fc.constant('look' as const) }),
  fc.record({ do: fc.constant('lose' as const) }),
)

test('whoever starts whom and whatever is lost, each call is counted once, totals only grow, and nothing stays open', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const kernel = new FakeKernel()
      const { book, look } = looking(kernel)
      kernel.start(1, null)
      let [next, before] = [2, totalOf(look())]
      for (const one of steps) {
        const pid = 'by' in one ? kernel.alive[one.by % Math.max(1, kernel.alive.length)] : undefined
        if (one.do === 'start') kernel.start(next++, one.isInside && pid !== undefined ? pid : null)
        else if (one.do === 'end' && pid !== undefined) kernel.end(pid)
        else if (one.do === 'call' && pid !== undefined) kernel.call(pid, one.times)
        else if (one.do === 'lose') {
          kernel.events = []
          book.forget()
        } else if (one.do === 'look') {
          const now = totalOf(look())
          assert.ok(now >= before)
          assert.equal(now, kernel.truth, 'what counters held was counted, once')
          before = now
          // From here on everybody who is alive is counted.
          for (const alive of kernel.alive) kernel.call(alive, 1)
          assert.equal(totalOf(look()) - now, kernel.alive.length)
          before = totalOf(look())
        }
      }
      for (const pid of kernel.alive) kernel.end(pid)
      look()
      assert.deepEqual([kernel.counts.size, book.counters.open], [0, 0])
    }),
    { numRuns: 300 },
  )
})

test('a workload that does not fit is counted not at all, its counters make room, and it is begun anew when there is some', () => {
  const kernel = new FakeKernel()
  const { book, look } = looking(kernel, 4)
  kernel.start(1, null, 3)
  const first = look()
  kernel.start(2, null, 2)
  assert.deepEqual(look(), { why: 'its 2 processes are not counted: a host counts 4 threads at most' })
  assert.deepEqual([kernel.counts.size, book.counters.open, book.counters.tooMany], [0, 0, 1])
  kernel.end(1)
  const again = look()
  assert.ok(first !== undefined && 'epoch' in first && again !== undefined && 'epoch' in again)
  assert.notEqual(again.epoch, first.epoch, 'what went uncounted in between is a gap')
  assert.equal(kernel.counts.size, 2)
  book.look(new Map())
  assert.equal(kernel.counts.size, 0, 'who is not wanted is not counted')
})

test('a counter goes on for those whom its thread started, until the last of them is gone', () => {
  const kernel = new FakeKernel()
  const { look } = looking(kernel)
  kernel.start(1, null)
  look()
  kernel.start(2, 1)
  kernel.end(1)
  kernel.call(2, 7)
  assert.equal(totalOf(look()), 7)
  kernel.call(2, 5)
  kernel.end(2)
  assert.equal(totalOf(look()), 12, 'what it had counted stays')
  assert.equal(kernel.counts.size, 0)
})

test('where the kernel refuses, that is told, and nothing stays half open', () => {
  const kernel = new FakeKernel()
  const { book, look } = looking(kernel)
  kernel.start(1, null, 3)
  kernel.refusing = 'EPERM'
  assert.deepEqual([look(), book.counters.open], [{ why: 'EPERM' }, 0])
  kernel.refusing = null
  assert.equal(totalOf(look()), 0)
})
