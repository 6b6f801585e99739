import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createForecastThread } from './forecast-thread.ts'

const question = (values: readonly number[]) => ({
  series: Float64Array.from(values),
  options: { season: [], horizon: 3 },
  levels: [0.8, 0.95],
})
const ramp = Array.from({ length: 30 }, (_, t) => 10 + (t % 5))

test('asked of a thread, in the order of asking; what cannot be forecast fails alone', async () => {
  const thread = createForecastThread()
  try {
    const [first, broken, last] = [[7, 7, 7], [], ramp].map((values) => thread.ask(question(values))!)
    await assert.rejects(broken!, /a forecast could not be made: RangeError: none of 0 values is known/)
    assert.deepEqual([...(await first!).mean], [7, 7, 7])
    assert.equal((await last!).intervals.length, 2)
  } finally {
    await thread.stop()
  }
})

test('too many waiting are refused at once, those who wait are told when it stops, and the next ask starts anew', async () => {
  const thread = createForecastThread()
  try {
    const asked = Array.from({ length: 20 }, () => thread.ask(question(ramp)))
    assert.equal(asked.filter((answer) => answer === null).length, 4)
    const told = Promise.allSettled(asked.filter((answer) => answer !== null))
    await thread.stop()
    for (const each of await told)
      assert.match(String((each as PromiseRejectedResult).reason), /thread that was stopped/)
    assert.deepEqual([...(await thread.ask(question([7, 7, 7]))!).mean], [7, 7, 7])
  } finally {
    await thread.stop()
  }
})
