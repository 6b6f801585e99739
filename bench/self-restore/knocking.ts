/**
 * What the emulated host lets in, seen from outside. Two witnesses: sockets, which tell how far it is, and packets from it,
 * which alone count: when nobody answers for the way there any more, all sockets that wait are told at once.
 */
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { addressOf, WORKLOADS } from './guest-disk.ts'
import type { Knocked } from './knock.ts'

const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'] as const
const KNOCK = new URL('knock.ts', import.meta.url).pathname

/** Of each workload: where the confirmed persona answers, where the pending one, and where neither does. */
const confirmedAt = WORKLOADS.map((_, i) => `${addressOf(i, 5)}:2000`)
const pendingAt = WORKLOADS.map((_, i) => `${addressOf(i, 66)}:2100`)
const neverAt = WORKLOADS.flatMap((_, i) => [`${addressOf(i, 5)}:3000`, `${addressOf(i, 2)}:3000`])

/** `record`: a file that gets a line for whatever changes. */
export function startKnocking(namespace: string, record: string) {
  const targets = [...confirmedAt, ...pendingAt, ...neverAt]
  const argv = [`--net=/run/netns/${namespace}`, ...NODE, KNOCK, ...targets]
  const child = spawn('nsenter', argv, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const last = new Map<string, Knocked>()
  const ever = new Set<string>()
  const seen = ['tcpdump', '-l', '-n', '-tt', '--immediate-mode', '-i', 'gq0', '-Q', 'in', 'tcp']
  const packets = spawn('nsenter', [`--net=/run/netns/${namespace}`, ...seen], { stdio: ['ignore', 'pipe', 'ignore'] })
  createInterface({ input: packets.stdout }).on('line', (line) => {
    const [, at, address, port] = /^(\d+\.\d+) IP ([\d.]+)\.(\d+) > /.exec(line) ?? []
    const target = `${address}:${port}`
    if (at === undefined || Number(at) * 1_000 < since || !targets.includes(target)) return
    if (!ever.has(target)) note(`${target} sent a packet: ${line}`)
    ever.add(target)
  })
  let knocks = 0
  let since = 0
  const note = (what: string) => appendFileSync(record, `${new Date().toISOString()} ${what}\n`)
  child.on('message', (knocked: Knocked) => {
    const { target, told, at } = knocked
    // On a machine that stood still for seconds, what was told before is heard after.
    if (at < since) return
    knocks++
    if (last.get(target)?.told !== told) note(`${target} ${isAnswer(knocked) ? 'answers' : 'is silent'}: ${told}`)
    last.set(target, knocked)
  })
  const every = (list: readonly string[], answers: boolean) =>
    list.every((target) => {
      const knocked = last.get(target)
      return knocked !== undefined && isAnswer(knocked) === answers
    })
  return {
    children: [child, packets],
    shows(which: 'confirmed' | 'pending') {
      const [open, closed] = which === 'confirmed' ? [confirmedAt, pendingAt] : [pendingAt, confirmedAt]
      return every(open, true) && every(closed, false)
    },
    note,
    /** From here on it counts. */
    forget() {
      note('from here on it counts')
      last.clear()
      ever.clear()
      knocks = 0
      since = Date.now()
    },
    /** Since the reset: before the network, and after it, nobody may be let in by rules that are not there. */
    faults: () => [
      ...[...neverAt, ...pendingAt]
        .filter((target) => ever.has(target))
        .map((target) => `${target} answered after the reset`),
      ...(knocks === 0 ? ['nobody knocked'] : []),
      ...(confirmedAt.some((target) => !ever.has(target)) ? ['the packets of its answers were not seen'] : []),
    ],
  }
}

/** Nobody listens, and somebody says so: that is an answer as well. */
const isAnswer = ({ told }: Knocked): boolean => told === 'connect' || told === 'ECONNREFUSED'
