/** One small series and what came out when this was last judged good; a change of these numbers is to be looked at. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coverage, mase, naiveScale } from './accuracy.ts'
import { forecast } from './forecast.ts'
import { repeatSeason } from './seasonal-naive.ts'

/** International airline passengers, thousands per month, 1954–1960 (Box & Jenkins 1970, series G). */
const PASSENGERS = Float64Array.from(
  (
    '204 188 235 227 234 264 302 293 259 229 203 229 242 233 267 269 270 315 364 347 312 274 237 278 ' +
    '284 277 317 313 318 374 413 405 355 306 271 306 315 301 356 348 355 422 465 467 404 347 305 336 ' +
    '340 318 362 348 363 435 491 505 404 359 310 337 360 342 406 396 420 472 548 559 463 407 362 405 ' +
    '417 391 419 461 472 535 622 606 508 461 390 432'
  )
    .split(' ')
    .map(Number),
)

const GOLDEN = [408, 393, 448, 440, 458, 515, 580, 587, 503, 451, 408, 447]

test('the year 1960 of the airline passengers from the six before', () => {
  const [past, future] = [PASSENGERS.slice(0, 72), PASSENGERS.slice(72)]
  const said = forecast(past, { season: [12], horizon: 12, level: 0.95 })
  const scale = naiveScale(past, 12)
  const naive = mase(future, repeatSeason(past, 12, 72, 12), scale)
  assert.ok(mase(future, said.mean, scale) < 0.6 * naive)
  assert.ok(coverage(future, said.lower, said.upper) >= 10 / 12)
  assert.deepEqual(Array.from(said.mean, Math.round), GOLDEN)
})
