/** A stream of bytes between two namespaces, and how fast it arrives: what a rate is measured by. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** Prints the bytes of each half second. */
const SINK = `
const net = require('node:net'); let n = 0
net.createServer((s) => s.on('data', (d) => { n += d.length }).on('error', () => {})).listen(Number(process.argv[1]), () => console.log('up'))
setInterval(() => { console.log(n); n = 0 }, 500)`
const SOURCE = `
const net = require('node:net'); const piece = Buffer.alloc(16384)
const s = net.connect(Number(process.argv[2]), process.argv[1]); s.on('error', (e) => { console.log('broken ' + e.code); process.exit(1) })
const fill = () => { while (s.write(piece)); }
s.on('connect', fill).on('drain', fill).on('close', () => process.exit(1))`

export type Stream = {
  /** Mbit/s over the next `seconds`. */
  measure(seconds: number): Promise<number>
  /** One connection the whole time. */
  readonly unbroken: boolean
  stop(): void
}

export async function stream(from: string, to: string, address: string, port: number): Promise<Stream> {
  const sink = inside(to, SINK, [String(port)])
  const counts: number[] = []
  const waiting: (() => void)[] = []
  const listening = new Promise<void>((resolve) => {
    sink.stdout.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n').filter(Boolean)) {
        if (line === 'up') resolve()
        else counts.push(Number(line))
      }
      for (const wake of waiting.splice(0)) wake()
    })
  })
  await listening
  const source = inside(from, SOURCE, [address, String(port)])
  return {
    async measure(seconds) {
      const begin = counts.length + 1
      while (counts.length < begin + seconds * 2) await new Promise<void>((resolve) => waiting.push(resolve))
      const bytes = counts.slice(begin, begin + seconds * 2).reduce((sum, count) => sum + count, 0)
      return (bytes * 8) / seconds / 1e6
    },
    get unbroken() {
      return source.exitCode === null && source.signalCode === null
    },
    stop() {
      source.kill('SIGKILL')
      sink.kill('SIGKILL')
    },
  }
}

function inside(namespace: string, code: string, args: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  return spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, '-e', code, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
