/** A namespace of its own with a process inside that loads what it is asked to; both go with `close`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { LoadAnswer, LoadRequest, Way } from './inside.ts'

const run = promisify(execFile)
const INSIDE = new URL('./inside.ts', import.meta.url).pathname
/** As on a machine for which koffi has no binary. */
const WITHOUT_KOFFI = `data:text/javascript,import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) { if (name === 'koffi') throw new Error('no koffi'); return next(name, context) } })`

export class Loading {
  readonly #child: ChildProcess
  readonly #open = new Map<number, { resolve(value: LoadAnswer): void; reject(error: Error): void }>()
  readonly #namespace: string
  readonly #isOurs: boolean
  #next = 0

  private constructor(namespace: string, isOurs: boolean, nodeArgs: readonly string[] = []) {
    this.#namespace = namespace
    this.#isOurs = isOurs
    // Before it starts, so that all its threads have it: as the agent's worker from its supervisor.
    const argv = ['netns', 'exec', namespace, 'nice', '-n', '-10', process.execPath, ...nodeArgs, INSIDE, 'serve']
    this.#child = spawn('ip', argv, {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const { id, value, error } = JSON.parse(line) as { id: number; value: LoadAnswer; error?: string }
      const waiting = this.#open.get(id)
      this.#open.delete(id)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(error))
    })
    this.#child.on('exit', () => {
      for (const { reject } of this.#open.values()) reject(new Error(`the loader inside ${namespace} ended`))
    })
  }

  /** In a namespace made for it. */
  static async create(suffix: string, koffi: 'with koffi' | 'without koffi' = 'with koffi'): Promise<Loading> {
    const namespace = `guiseS${process.pid % 100_000}${suffix}`
    await run('ip', ['netns', 'add', namespace])
    return new Loading(namespace, true, koffi === 'with koffi' ? [] : ['--import', WITHOUT_KOFFI])
  }

  static join(namespace: string): Loading {
    return new Loading(namespace, false)
  }

  ask(request: LoadRequest): Promise<LoadAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<LoadAnswer>()
    const id = this.#next++
    this.#open.set(id, { resolve, reject })
    this.#child.stdin!.write(`${JSON.stringify({ id, request })}\n`)
    return promise
  }

  load(way: Way, text: string): Promise<LoadAnswer> {
    return this.ask({ op: 'load', way, text })
  }

  async list(): Promise<unknown> {
    return JSON.parse((await this.ask({ op: 'list' })).listing)
  }

  async close(): Promise<void> {
    this.#child.stdin!.end()
    this.#child.kill('SIGKILL')
    if (this.#isOurs) await run('ip', ['netns', 'del', this.#namespace]).catch(() => {})
  }
}
