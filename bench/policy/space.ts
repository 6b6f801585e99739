/** A namespace of its own with a process inside that loads what it is asked to; both go with `close`. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Child } from '../child.ts'
import type { LoadAnswer, LoadRequest, Way } from './inside.ts'

const run = promisify(execFile)
const INSIDE = new URL('./inside.ts', import.meta.url).pathname
/** As on a machine for which koffi has no binary. */
const WITHOUT_KOFFI = `data:text/javascript,import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) { if (name === 'koffi') throw new Error('no koffi'); return next(name, context) } })`

export class Loading {
  readonly #child: Child<LoadRequest>
  readonly #namespace: string
  readonly #isOurs: boolean

  private constructor(namespace: string, isOurs: boolean, nodeArgs: readonly string[] = []) {
    this.#namespace = namespace
    this.#isOurs = isOurs
    // Before it starts, so that all its threads have it: as the agent's worker from its supervisor.
    this.#child = Child.inside(namespace, ['nice', '-n', '-10', process.execPath, ...nodeArgs, INSIDE])
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
    return this.#child.ask(request)
  }

  load(way: Way, text: string): Promise<LoadAnswer> {
    return this.ask({ op: 'load', way, text })
  }

  async list(): Promise<unknown> {
    return JSON.parse((await this.ask({ op: 'list' })).listing)
  }

  async close(): Promise<void> {
    this.#child.close()
    if (this.#isOurs) await run('ip', ['netns', 'del', this.#namespace]).catch(() => {})
  }
}
