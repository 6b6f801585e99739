/** A process of ours inside a namespace that answers questions, a line of JSON each; it ends with `close`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export class Child {
  readonly #process: ChildProcess
  readonly #open = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  #next = 0

  /** `nice` as the agent's worker has it from its supervisor, so that other work of this machine is not what is measured. */
  constructor(namespace: string, script: string, nice = 0) {
    const path = new URL(`./${script}`, import.meta.url).pathname
    const argv = [`--net=/run/netns/${namespace}`, 'nice', '-n', String(nice), process.execPath, path]
    this.#process = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      const { id, value, error } = JSON.parse(line) as { id: number; value: never; error?: string }
      const waiting = this.#open.get(id)
      this.#open.delete(id)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(error))
    })
    this.#process.on('exit', () => {
      for (const { reject } of this.#open.values()) reject(new Error(`${script} inside ${namespace} ended`))
    })
  }

  ask<Answer>(request: unknown): Promise<Answer> {
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

/** The other side: answers each line in turn, and ends when its input does. */
export async function serve<Request>(answer: (request: Request) => unknown): Promise<never> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, request } = JSON.parse(line) as { id: number; request: Request }
    try {
      console.log(JSON.stringify({ id, value: (await answer(request)) ?? null }))
    } catch (error) {
      console.log(JSON.stringify({ id, error: (error as Error).message }))
    }
  }
  process.exit(0)
}
