/** How often drift would be evidence against hosts that did nothing new: the rate that SUSTAINED_WINDOWS was chosen by. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DATA, needData } from '../test/need.ts'
import { driftAlarms } from './drift-alarms.ts'

/** 24 minutes of ten workloads; the first half of them teaches. */
const LAB = fileURLToPath(new URL('../bench/gate/lab/conn.log.gz', import.meta.url))
const DAYS = 'flows/rita/missing_host'

test('ten workloads of a quiet lab: no alarm', async () => {
  const { hosts, days, alarms } = await driftAlarms([LAB], (address) => address.startsWith('10.77.'))
  assert.ok(hosts === 10 && days > 0.15, `${hosts} hosts, ${days} days`)
  assert.deepEqual(alarms, [])
})

// With three windows in a row instead of six it was 2.5 a day, with two 7; with ten 0.3.
test('a server of the open Internet and one that talks to it, three days: at most one alarm in two days of a host', {
  skip: needData(DAYS),
}, async () => {
  const judged = new Set(['64.225.56.201', '73.54.23.243'])
  const { hosts, days, alarms } = await driftAlarms([`${DATA}/${DAYS}`], (address) => judged.has(address))
  assert.ok(hosts === 2 && days > 5.9, `${hosts} hosts, ${days} days`)
  assert.ok(alarms.length <= 3, JSON.stringify(alarms))
})
