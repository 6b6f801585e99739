/** A process of ours, mostly inside a namespace, that answers questions, a line of JSON each; it ends with `close`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export class Child<Request> {
  readonly #process: ChildProcess
  readonly #open = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  #next = 0

  /** `what` it is, for the sentence of an error. */
  constructor(what: string, [program, ...argv]: readonly [string, ...string[]]) {
    this.#process = spawn(program, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      const { id, value, error } = JSON.parse(line) as { id: number; value: never; error?: string }
      const waiting = this.#open.get(id)
      this.#open.delete(id)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(error))
    })
    this.#process.on('exit', () => {
      for (const { reject } of this.#open.values()) reject(new Error(`${what} ended`))
    })
  }

  /** With what `ip netns exec` mounts for it. */
  static inside<Request>(namespace: string, argv: readonly string[]): Child<Request> {
    return new Child(`${argv.at(-1)} inside ${namespace}`, ['ip', 'netns', 'exec', namespace, ...argv])
  }

  ask<Answer>(request: Request): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const id = this.#next++
    this.#open.set(id, { resolve, reject })
    this.#process.stdin!.write(`${JSON.stringify({ id, request })}\n`)
    return promise
  }

  close(): void {
    this.#process.stdin!.end()
    this.#process.kill('SIGKILL')
  }
}

/** The other side: answers each line, and ends when its input does. */
export async function answerLines<Request>(
  answer: (request: Request) => unknown,
  order: 'in turn' | 'at once' = 'in turn',
): Promise<never> {
  const reply = async (line: string) => {
    const { id, request } = JSON.parse(line) as { id: number; request: Request }
    try {
      console.log(JSON.stringify({ id, value: (await answer(request)) ?? null }))
    } catch (error) {
      console.log(JSON.stringify({ id, error: (error as Error).message }))
    }
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const replied = reply(line)
    if (order === 'in turn') await replied
  }
  process.exit(0)
}
