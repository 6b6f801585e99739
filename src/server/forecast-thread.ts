/**
 * Forecasts made beside the server's own thread, one at a time, in the order of asking. The thread is started when somebody
 * asks and ended when nobody did for a minute; one that hangs or dies takes what was asked of it along, and the next ask starts anew.
 */
import { Worker } from 'node:worker_threads'
import type { ForecastOptions, LevelledForecast } from '../learn/forecast/forecast.ts'

export type ThreadQuestion = {
  readonly id: number
  readonly series: Float64Array
  readonly options: Omit<ForecastOptions, 'level'>
  readonly levels: readonly number[]
}
export type ThreadAnswer =
  | { readonly id: number; readonly said: LevelledForecast }
  | { readonly id: number; readonly broken: string }

export type ForecastThread = {
  /** Null when too many are waiting. Throws when the thread broke. */
  ask(question: Omit<ThreadQuestion, 'id'>): Promise<LevelledForecast> | null
  stop(): Promise<void>
}

const MOST_WAITING = 16
const IDLE_MS = 60_000
/** The longest series asked of it takes a second on a busy machine. */
const HUNG_MS = 30_000
/** A forecast needs some MB. */
const MOST_MIB = 128

type Waiting = { readonly done: (said: LevelledForecast) => void; readonly failed: (error: Error) => void }

export function createForecastThread(): ForecastThread {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let timer: NodeJS.Timeout | null = null
  let next = 0

  function end(why: string): Promise<unknown> {
    const ended = worker
    worker = null
    if (timer !== null) clearTimeout(timer)
    for (const { failed } of waiting.values()) failed(new Error(`a forecast was asked of a thread that ${why}`))
    waiting.clear()
    return ended?.terminate() ?? Promise.resolve()
  }

  /** While somebody waits the thread must answer; while nobody does it may end. */
  function wind(): void {
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(
      () => void end(waiting.size > 0 ? 'hung' : 'was idle'),
      waiting.size > 0 ? HUNG_MS : IDLE_MS,
    ).unref()
  }

  function start(): Worker {
    const made = new Worker(new URL('./forecast-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MOST_MIB },
    })
    made.unref()
    const gone = (why: string) => {
      if (worker === made) void end(why)
    }
    made.on('error', (error) => gone(`broke (${error.message})`))
    made.on('exit', () => gone('ended'))
    made.on('message', (answer: ThreadAnswer) => {
      const asker = waiting.get(answer.id)
      waiting.delete(answer.id)
      wind()
      if ('said' in answer) asker?.done(answer.said)
      else asker?.failed(new Error(`a forecast could not be made: ${answer.broken}`))
    })
    return made
  }

  return {
    ask(question) {
      if (waiting.size >= MOST_WAITING) return null
      worker ??= start()
      const id = next++
      const answer = new Promise<LevelledForecast>((done, failed) => waiting.set(id, { done, failed }))
      wind()
      worker.postMessage({ ...question, id } satisfies ThreadQuestion)
      return answer
    },
    async stop() {
      await end('was stopped')
    },
  }
}
