/** One connection to a QEMU socket: one question at a time, its answer or an error that says what was asked, all bounded. */
import { connect, type Socket } from 'node:net'
import { createLineReader } from './lines.ts'

export type Answer = Readonly<Record<string, unknown>>
export type Talk = {
  /** The next object that `answers` accepts; the others go to `heard`. */
  ask(question: object, answers: (said: Answer) => boolean, withinMs: number): Promise<Answer>
  hear(what: string, answers: (said: Answer) => boolean, withinMs: number): Promise<Answer>
  close(): void
}

export type TalkOptions = { readonly path: string; readonly heard?: (said: Answer) => void; readonly withinMs: number }

/** What nobody waited for yet: a greeting comes before the first question. */
const KEPT = 64

type Waiting = {
  readonly what: string
  readonly answers: (said: Answer) => boolean
  readonly done: (said: Answer) => void
  readonly failed: (error: Error) => void
}

/** Throws when nobody listens at `path`. */
export async function openTalk({ path, heard, withinMs }: TalkOptions): Promise<Talk> {
  const socket = await connected(path, withinMs)
  const reader = createLineReader()
  const early: Answer[] = []
  let waiting: Waiting | null = null
  let broken: Error | null = null
  const give = (said: Answer) => {
    if (waiting?.answers(said)) {
      const { done } = waiting
      waiting = null
      done(said)
    } else {
      if (waiting === null && early.length < KEPT) early.push(said)
      heard?.(said)
    }
  }
  const end = (error: Error) => {
    broken ??= error
    socket.destroy()
    waiting?.failed(new Error(`${waiting.what}: ${broken.message}`))
    waiting = null
  }
  socket.on('data', (chunk) => {
    try {
      for (const said of reader.push(chunk)) give(said)
    } catch (error) {
      end(error as Error)
    }
  })
  socket.on('error', end)
  socket.on('close', () => end(new Error('the other end closed the connection')))
  const hear: Talk['hear'] = (what, answers, within) => {
    if (broken !== null) return Promise.reject(new Error(`${what}: ${broken.message}`))
    if (waiting !== null) return Promise.reject(new Error(`${what}: ${waiting.what} was not answered yet`))
    const at = early.findIndex(answers)
    const before = early.splice(0, at < 0 ? early.length : at + 1)
    if (at >= 0) return Promise.resolve(before.at(-1)!)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(new Error(`no answer within ${within} ms`)), within)
      const settle =
        <T>(act: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer)
          act(value)
        }
      waiting = { what, answers, done: settle(resolve), failed: settle(reject) }
    })
  }
  return {
    hear,
    ask(question, answers, within) {
      early.length = 0
      const what = String((question as { execute?: string }).execute ?? 'question')
      const answer = hear(what, answers, within)
      if (broken === null) socket.write(`${JSON.stringify(question)}\n`)
      return answer
    },
    close: () => void socket.destroy(),
  }
}

function connected(path: string, withinMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    const fail = (error: Error) => {
      socket.destroy()
      reject(new Error(`nobody listens at ${path}: ${error.message}`))
    }
    const timer = setTimeout(() => fail(new Error(`not within ${withinMs} ms`)), withinMs)
    socket.once('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
