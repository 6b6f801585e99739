/** One small series, every event in it told as a person would read it; a change here is a change of what people see. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDriftDetector, judgeRow } from './detector.ts'

/** Hourly requests of a small service: days of work hours, quiet nights, a little that differs. */
function service(hour: number): number {
  const ofDay = hour % 24
  const busy = ofDay >= 8 && ofDay < 18 ? 200 : 40
  return busy + ((hour * 7) % 11) + ((hour * 13) % 17)
}

// The first row of a new level looks like a spike: nobody can know yet that it stays.
const GOLDEN = ['500 spike above', '700 dropout below', '820 spike above', '906 spike above']

test('an hourly service over 40 days: its burst, its outage and its new level are told, and one row more', () => {
  const detector = createDriftDetector()
  const told: string[] = []
  for (let hour = 0; hour < 960; hour++) {
    const value = hour === 500 ? 900 : hour >= 700 && hour < 704 ? 0 : service(hour) + (hour >= 820 ? 300 : 0)
    const { alarm, cause, side } = judgeRow(detector, hour * 3_600, value)
    if (alarm && hour >= 240) told.push(`${hour} ${cause} ${side}`)
  }
  assert.deepEqual(told, GOLDEN)
})
