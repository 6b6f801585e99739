/** A thread of its own: a series and what to ask of it come in, what it will be goes out. Trying models takes up to a second. */
import { parentPort } from 'node:worker_threads'
import { forecastLevels } from '../learn/forecast/forecast.ts'
import type { ThreadAnswer, ThreadQuestion } from './forecast-thread.ts'

parentPort?.on('message', ({ id, series, options, levels }: ThreadQuestion) => {
  let answer: ThreadAnswer
  try {
    answer = { id, said: forecastLevels(series, options, levels) }
  } catch (error) {
    answer = { id, broken: String(error) }
  }
  parentPort?.postMessage(answer)
})
