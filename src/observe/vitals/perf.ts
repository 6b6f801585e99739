/**
 * perf_event_open(2), as far as it is needed here: a counter of one tracepoint for one thread and all that it starts from then
 * on, read as eight bytes. Nothing is sampled: the kernel keeps no buffer, and wakes nobody.
 */
import { closeSync, existsSync, readdirSync, readSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import koffi from 'koffi'
import { readSmall, whole } from './small-file.ts'

/** struct perf_event_attr (linux/perf_event.h) up to PERF_ATTR_SIZE_VER0: the kernel takes what is behind it as zero. */
const ATTR_BYTES = 64
const AT = { type: 0, size: 4, config: 8, flags: 40 } as const
const PERF_TYPE_TRACEPOINT = 2
/** Second bit of the flags: `disabled` is the first. */
const INHERIT = 2
const FD_CLOEXEC = 8
const ANY_CPU = -1
const NO_GROUP = -1

/** asm/unistd.h of each. */
const CALL_NUMBERS: Readonly<Record<string, number>> = { x64: 298, arm64: 241, riscv64: 241, loong64: 241 }
const TRACING = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']

export type Opened = { readonly fd: number } | { readonly why: string } | 'gone'
export type CallKernel = {
  /** Counts the system calls of a thread, and of all threads and processes that it starts, from now on. */
  open(thread: number): Opened
  /** NaN = the kernel gave up counting. */
  read(fd: number): number
  close(fd: number): void
  /** Nobody when the process is gone. */
  threadsOf(pid: number): readonly number[]
  /** By the clock that the proc connector tells times by: CLOCK_MONOTONIC. */
  nowNs(): number
}

/** `tracing`: where tracefs may be mounted. */
export function createCallKernel(tracing: readonly string[] = TRACING): CallKernel {
  const room = Buffer.alloc(8)
  let attr: Buffer | null = null
  return {
    open(thread) {
      const id = attr === null ? findSysEnter(tracing) : null
      if (typeof id === 'string') return { why: id }
      attr ??= counterAttr(id!)
      return perfEventOpen(attr, thread)
    },
    read(fd) {
      return readSync(fd, room, 0, 8, null) === 8 ? Number(room.readBigUInt64LE(0)) : Number.NaN
    },
    close: (fd) => closeSync(fd),
    threadsOf(pid) {
      try {
        return readdirSync(`/proc/${pid}/task`).map(Number)
      } catch {
        return []
      }
    },
    nowNs() {
      const [seconds, ns] = process.hrtime()
      return seconds * 1e9 + ns
    },
  }
}

/** Of a tracepoint: counted while user programs and the kernel run, on any processor, by whoever is started, too. */
export function counterAttr(tracepoint: number): Buffer {
  const attr = Buffer.alloc(ATTR_BYTES)
  attr.writeUInt32LE(PERF_TYPE_TRACEPOINT, AT.type)
  attr.writeUInt32LE(ATTR_BYTES, AT.size)
  attr.writeBigUInt64LE(BigInt(tracepoint), AT.config)
  attr.writeBigUInt64LE(BigInt(INHERIT), AT.flags)
  return attr
}

/** The kernel's number of raw_syscalls:sys_enter; else why it is not known. Nothing is mounted here: that is the host's to say. */
export function findSysEnter(tracing: readonly string[]): number | string {
  for (const root of tracing) {
    const id = whole(readSmall(`${root}/events/raw_syscalls/sys_enter/id`))
    if (id > 0) return id
  }
  return tracing.some((root) => existsSync(`${root}/events`))
    ? 'this kernel has no tracepoint raw_syscalls:sys_enter'
    : 'tracefs is not mounted where its agent runs; mount -t tracefs none /sys/kernel/tracing'
}

type Syscall = (number: number, attr: Buffer, pid: number, cpu: number, group: number, flags: number) => number
let syscall: Syscall | null = null

export function perfEventOpen(attr: Buffer, thread: number): Opened {
  const number = CALL_NUMBERS[process.arch]
  if (number === undefined) return { why: `perf_event_open(2) has no number known here for ${process.arch}` }
  syscall ??= koffi.load('libc.so.6').func('long syscall(long, void *, int, int, int, unsigned long)') as Syscall
  const fd = syscall(number, attr, thread, ANY_CPU, NO_GROUP, FD_CLOEXEC)
  if (fd >= 0) return { fd }
  const code = getSystemErrorName(-koffi.errno())
  return code === 'ESRCH' ? 'gone' : { why: refusal(code) }
}

function refusal(code: string): string {
  switch (code) {
    case 'EPERM':
    case 'EACCES': {
      const paranoid = readSmall('/proc/sys/kernel/perf_event_paranoid')?.trim() ?? 'not there'
      return `the kernel lets its agent count nothing (${code}): that takes CAP_PERFMON or CAP_SYS_ADMIN, and a seccomp filter that passes perf_event_open; kernel.perf_event_paranoid is ${paranoid}`
    }
    case 'EMFILE':
    case 'ENFILE':
      return `its agent may open no more files (${code}); raise LimitNOFILE`
    case 'ENOSYS':
      return 'this kernel counts no events (CONFIG_PERF_EVENTS), or a seccomp filter hides perf_event_open'
    default:
      return `perf_event_open(2) fails: ${code}`
  }
}
