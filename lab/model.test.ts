/** The shipped model, on lab runs it was not made from and on other people's networks. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { initialBelief, stepBelief } from '../src/learn/filter.ts'
import { scoreModel } from '../src/learn/fit.ts'
import { DEFAULT_MODEL, type ModelJson } from '../src/learn/model.ts'
import { TICK_MS, WINDOW_MS } from '../src/model/window.ts'
import { createServiceNames } from '../src/observe/source.ts'
import { createFileSource } from '../src/observe/sources/open.ts'
import { DATA, needData } from '../test/need.ts'
import { readRuns } from './dataset.ts'
import { readRecording } from './recording.ts'
import { CAPTURES, mistakenOf, strangers } from './strangers.ts'
import { sequencesOf, splitRuns, stepsOf, train } from './train.ts'
import { collectTicks, slide } from './windows.ts'

const shipped = readFileSync(new URL('../src/learn/models/default.json', import.meta.url), 'utf8')
const { runs, hash } = readRuns()

test('training from the committed runs gives the shipped model, byte for byte', () => {
  assert.equal(`${JSON.stringify(train(runs, hash, 1).model)}\n`, shipped)
})

test('on lab runs it has not seen it is right or abstains', () => {
  const { fitting, calibrating, measuring } = splitRuns(runs)
  const seeds = new Set([...fitting, ...calibrating].map((run) => run.seed))
  assert.ok(measuring.length > 0 && measuring.every((run) => !seeds.has(run.seed)))
  const score = scoreModel(JSON.parse(shipped) as ModelJson, stepsOf(measuring))
  assert.ok(score.hosts >= 60 && score.hosts === sequencesOf(measuring).length)
  assert.ok(score.hostsConfidentWrong <= 0.05, JSON.stringify(score))
  assert.ok(score.confidentWrong <= 0.05, JSON.stringify(score))
  assert.ok(score.hostsRight >= 0.6, `abstaining always would be no model: ${JSON.stringify(score)}`)
})

test('in the recording nobody is taken for somebody else, and most are recognised', async () => {
  const { inventory, paths, truth } = readRecording()
  const services = createServiceNames()
  const source = createFileSource({ paths, services })
  const seen = await collectTicks(source, services, inventory, new AbortController().signal)
  const quietHours = seen.map(({ workload, ticks }) => {
    let state = initialBelief(DEFAULT_MODEL)
    const believed: (string | null)[] = []
    // Until the attack of the last minutes.
    for (const window of [...slide(ticks, WINDOW_MS / TICK_MS)].slice(0, 9)) {
      const step = stepBelief(DEFAULT_MODEL, state, window, window.start + WINDOW_MS)
      state = step.state
      believed.push(step.belief.believed)
    }
    return { name: workload.name, last: believed.at(-1) ?? null, truth: truth[workload.name]! }
  })
  assert.deepEqual(
    quietHours.filter(({ last, truth: is }) => last !== null && last !== is),
    [],
  )
  assert.ok(quietHours.filter(({ last, truth: is }) => last === is).length >= 6, JSON.stringify(quietHours))
})

for (const [path, { hosts, may }] of Object.entries(CAPTURES))
  test(`strangers of ${path}: right or abstaining`, { skip: needData(path) }, async () => {
    const seen = await strangers(`${DATA}/${path}`)
    const mistaken = mistakenOf(seen.believed, may)
    assert.equal(seen.hosts, hosts)
    const told = mistaken.join('; ')
    assert.ok(
      mistaken.length <= 0.05 * hosts,
      `${mistaken.length} of ${hosts} are taken for what they are not: ${told}`,
    )
  })
