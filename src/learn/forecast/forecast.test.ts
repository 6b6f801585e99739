import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../random.ts'
import { coverage, mase, naiveScale } from './accuracy.ts'
import { type Forecast, type ForecastOptions, forecast } from './forecast.ts'
import { repeatSeason } from './seasonal-naive.ts'

const HOURS: ForecastOptions = { season: [24, 168], horizon: 48, level: 0.95 }

/** Day, weekend and noise that lasts a while: what a link carries. Units: Mbit. */
function traffic(length: number, seed: number, noise = 4): Float64Array {
  const random = seeded(seed)
  let lasting = 0
  return Float64Array.from({ length }, (_, t) => {
    const bell = random() + random() + random() + random() - 2
    lasting = 0.7 * lasting + noise * bell
    const weekend = t % 168 >= 120 ? 0.6 : 1
    return Math.max(0, 100 + 40 * weekend * Math.sin((2 * Math.PI * t) / 24) + 15 * weekend + lasting)
  })
}

function isSound(said: Forecast, horizon: number): void {
  for (const path of [said.mean, said.lower, said.upper]) {
    assert.equal(path.length, horizon)
    assert.ok(path.every(Number.isFinite), `not finite: ${path}`)
  }
  said.mean.forEach((v, h) => {
    assert.ok(said.lower[h]! <= v && v <= said.upper[h]!, `step ${h}: ${said.lower[h]} ≤ ${v} ≤ ${said.upper[h]}`)
  })
  assert.ok(said.why.length > 0)
}

test('it beats repeating the last week by far on day, weekend and noise', () => {
  const all = traffic(960 + 48, 1)
  const [past, future] = [all.slice(0, 960), all.slice(960)]
  const said = forecast(past, HOURS)
  isSound(said, 48)
  const scale = naiveScale(past, 24)
  const own = mase(future, said.mean, scale)
  const naive = mase(future, repeatSeason(past, 168, 960, 48), scale)
  assert.ok(own < 0.85 * naive, `MASE ${own}, sNaive(168) ${naive}`)
})

test('a pure season is continued exactly, with next to no width', () => {
  const wave = (t: number) => 50 + 20 * Math.sin((2 * Math.PI * t) / 24)
  const said = forecast(
    Float64Array.from({ length: 480 }, (_, t) => wave(t)),
    HOURS,
  )
  said.mean.forEach((v, h) => {
    assert.ok(Math.abs(v - wave(480 + h)) < 0.2, `step ${h}: ${v}, not ${wave(480 + h)}`)
  })
  assert.ok(said.upper.every((v, h) => v - said.lower[h]! < 2))
})

test('it scales and shifts with the series', () => {
  const past = traffic(500, 2)
  const plain = forecast(past, HOURS)
  const moved = forecast(
    past.map((v) => 1e6 * v + 3e7),
    HOURS,
  )
  for (const key of ['mean', 'lower', 'upper'] as const) {
    plain[key].forEach((v, h) => {
      const expected = 1e6 * v + 3e7
      assert.ok(Math.abs(moved[key][h]! - expected) < 1e-4 * expected, `${key} ${h}: ${moved[key][h]} ≠ ${expected}`)
    })
  }
})

test('the weights are a share each, and said in words, the heaviest first', () => {
  const { models, why } = forecast(traffic(600, 3), HOURS)
  const sum = models.reduce((total, m) => total + m.weight, 0)
  assert.ok(Math.abs(sum - 1) < 1e-9)
  assert.ok(models.every((m) => m.weight >= 0 && m.mean.length === 48))
  const heaviest = Math.max(...models.map((m) => m.weight))
  assert.match(why[0]!, new RegExp(`^${Math.round(heaviest * 100)} %: .*; off by [0-9.]+ on average in 14 trials$`))
})

test('a constant series stays what it is', () => {
  for (const value of [0, 7, -3, 0.1, 1e15]) {
    const said = forecast(new Float64Array(400).fill(value), HOURS)
    isSound(said, 48)
    assert.ok(said.mean.every((v) => Math.abs(v - value) <= 1e-9 * Math.abs(value)))
    assert.match(said.why[0]!, /equal/)
  }
})

test('every length gives a sound answer', () => {
  const long = traffic(400, 4)
  for (const length of [1, 2, 3, 5, 11, 12, 13, 24, 30, 47, 48, 52, 53, 60, 75, 100, 168, 200, 337, 341, 400])
    isSound(forecast(long.slice(0, length), HOURS), 48)
})

test('any of seasons, horizons and levels gives a sound answer', () => {
  const past = traffic(300, 5)
  for (const season of [[], [1], [2], [7], [24], [168, 24, 24], [100_000]])
    for (const horizon of [1, 2, 5, 300]) isSound(forecast(past, { season, horizon, level: 0.8 }), horizon)
  isSound(forecast(past, { ...HOURS, level: 0.999 }), 48)
})

test('gaps, infinities and a leading hole do not come out again', () => {
  const past = traffic(700, 6)
  const holed = past.slice()
  const random = seeded(9)
  for (let t = 0; t < holed.length; t++) if (random() < 0.1) holed[t] = Number.NaN
  holed.fill(Number.NaN, 0, 20)
  holed.fill(Number.NaN, 300, 330)
  holed[500] = Number.POSITIVE_INFINITY
  const said = forecast(holed, HOURS)
  isSound(said, 48)
  assert.ok(said.why.some((line) => /gaps were filled/.test(line)))
  const whole = forecast(past, HOURS)
  const apart = said.mean.reduce((sum, v, h) => sum + Math.abs(v - whole.mean[h]!), 0) / 48
  assert.ok(apart < 8, `${apart} Mbit away from the forecast without gaps`)
})

test('a series that ends in a gap is forecast from after the gap', () => {
  const past = traffic(700, 7)
  const holed = past.slice()
  holed.fill(Number.NaN, 690)
  const [said, whole] = [forecast(holed, HOURS), forecast(past, HOURS)]
  const apart = said.mean.reduce((sum, v, h) => sum + Math.abs(v - whole.mean[h]!), 0) / 48
  assert.ok(apart < 8, `${apart} Mbit away`)
})

test('what never was below zero is not forecast below zero; what was, may be', () => {
  const bursts = Float64Array.from({ length: 500 }, (_, t) => (t % 24 < 3 ? 50 + (t % 7) : 0))
  const said = forecast(bursts, HOURS)
  isSound(said, 48)
  assert.ok(said.lower.every((v) => v >= 0))
  const signed = forecast(
    traffic(500, 8).map((v) => v - 100),
    HOURS,
  )
  assert.ok(signed.lower.some((v) => v < 0))
})

test('huge and tiny numbers neither overflow nor vanish', () => {
  for (const unit of [1e150, 1e-150])
    isSound(
      forecast(
        traffic(400, 9).map((v) => v * unit),
        HOURS,
      ),
      48,
    )
})

test('a series that grows without end does not send its forecast to infinity', () => {
  isSound(
    forecast(
      Float64Array.from({ length: 400 }, (_, t) => 1.05 ** t),
      HOURS,
    ),
    48,
  )
})

test('intervals hold what they promise on series never seen: 95 % and 80 %', () => {
  for (const level of [0.95, 0.8]) {
    let held = 0
    const count = 24
    for (let seed = 0; seed < count; seed++) {
      const all = traffic(560 + 24, 100 + seed)
      const said = forecast(all.slice(0, 560), { season: [24, 168], horizon: 24, level })
      held += coverage(all.slice(560), said.lower, said.upper) / count
    }
    assert.ok(Math.abs(held - level) < 0.05, `${held} held, ${level} promised`)
  }
})

test('a higher level is never narrower', () => {
  const past = traffic(500, 10)
  const [low, high] = [forecast(past, { ...HOURS, level: 0.5 }), forecast(past, { ...HOURS, level: 0.95 })]
  assert.ok(high.upper.every((v, h) => v >= low.upper[h]! && high.lower[h]! <= low.lower[h]!))
})

test('the same series gives the same answer', () => {
  assert.deepEqual(forecast(traffic(400, 11), HOURS), forecast(traffic(400, 11), HOURS))
})

test('impossible options are refused with what was asked for', () => {
  const past = traffic(50, 12)
  assert.throws(() => forecast(past, { ...HOURS, horizon: 0 }), /horizon 0 is not a whole number/)
  assert.throws(() => forecast(past, { ...HOURS, level: 95 }), /level 95 is not between 0 and 1; 0\.95 is 95 %/)
  assert.throws(() => forecast(past, { ...HOURS, season: [1.5] }), /season 1\.5/)
  assert.throws(() => forecast(new Float64Array(3).fill(Number.NaN), HOURS), /none of 3 values is known/)
})
