import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coldStart, normalQuantile } from './cold-start.ts'
import { forecast } from './forecast.ts'

/** A persona that works by day: 10 at night, 100 from step 8 to 17. */
const shape = Float64Array.from({ length: 24 }, (_, t) => (t >= 8 && t < 18 ? 100 : 10))
const options = { season: [24, 168], horizon: 24, level: 0.95, prior: { shape, spread: 0.3 } }

test('with nothing known the persona speaks, with its spread', () => {
  const said = forecast(new Float64Array(0), options)
  assert.deepEqual(said.mean, shape)
  assert.ok(said.upper[12]! > 150 && said.upper[12]! < 170)
  assert.match(said.why[0]!, /^100 % from the usual season of its persona/)
})

test('a workload three times as busy is expected to stay so, at the right hours', () => {
  const seen = Float64Array.from({ length: 12 }, (_, t) => 3 * shape[t]!)
  const said = forecast(seen, options)
  assert.ok(said.mean[2]! > 150, `${said.mean[2]} at hour 14`)
  assert.ok(said.mean[14]! < 0.4 * said.mean[2]!, `${said.mean[14]} at hour 2`)
})

test('trust in the persona is gone after two seasons, and the forecast is then the own one', () => {
  const seen = Float64Array.from({ length: 60 }, (_, t) => 5 * shape[t % 24]! + (t % 5))
  assert.equal(coldStart(seen, options.prior, 24).trust, 0)
  const { prior, ...without } = options
  assert.ok(prior.spread > 0)
  assert.deepEqual(forecast(seen, options), forecast(seen, without))
})

test('a workload unlike its persona widens the interval', () => {
  const like = coldStart(shape.slice(0, 20), options.prior, 4).half(0.95)
  const unlike = coldStart(shape.slice(0, 20).reverse(), options.prior, 4).half(0.95)
  assert.ok(unlike[3]! > 1.3 * like[3]!)
})

test('the normal quantile is right to 0.5 %', () => {
  for (const [level, z] of [
    [0.5, 0.6745],
    [0.8, 1.2816],
    [0.95, 1.96],
    [0.99, 2.5758],
  ] as const)
    assert.ok(Math.abs(normalQuantile(level) / z - 1) < 5e-3, `${level}: ${normalQuantile(level)}`)
})
