/**
 * What learning costs, beside what npm has: forest, Kalman filters, hidden Markov filters, and a whole tick of a fleet. Ours,
 * the peers and a fixed loop of arithmetic (`calibration_ms`, so that figures of two machines compare) take turns, and
 * medians of the rounds are told. Times are of the processor, not the clock: other work on the machine is not ours.
 * Outcomes are compared, too: accuracy of the forests on rows held out, and what the filters expected.
 * npm has no hidden Markov filter that does not bring TensorFlow.
 */
import { createKalmanBank, stepKalman } from '../src/learn/watch/kalman-bank.ts'
import { METRICS } from '../src/learn/watch/metrics.ts'
import { createRegimeBank, stepRegimes } from '../src/learn/watch/regime-bank.ts'
import { addRow, createWatch, KALMAN, REGIME, stepWatch } from '../src/learn/watch/watch.ts'
import { WINDOW_MS } from '../src/model/window.ts'
import { drawFleet } from './learn-speed/fleet.ts'
import {
  accuracyOf,
  addVotes,
  createPeer,
  createVotes,
  drawRows,
  fitOurs,
  labelsOfOurs,
  labelsOfVotes,
  TREES,
  tableOf,
} from './learn-speed/forests.ts'
import { runOurs, runPeer } from './learn-speed/kalmans.ts'
import { aim, percentile, report } from './report.ts'

/** The peer's forest grows by as many parts. */
const ROUNDS = 10
const WORKLOADS = 10_000
const READINGS = WORKLOADS * METRICS.length
/** Drawn beforehand. All of them go by to warm everything up, and then in each round: the processor's clock is too coarse for one. */
const TICKS = 24
/** Forests of ours that a round grows, and times that it asks one, for the same reason. */
const FORESTS = 3
const ASKED = 10
const PEER_STEPS = 1_500
/** Equal: less than one held row in a hundred worse. */
const TOLERANCE = 0.01

/** Milliseconds of the processor, by what was done. */
type Times = Record<string, number[]>

export async function run(args: readonly string[]): Promise<void> {
  const times: Times = {}
  const forests = createForests(times)
  const fleet = createFleet(times)
  for (let round = 0; round < ROUNDS; round++) {
    time(times, 'calibration', calibrate)
    fleet.step()
    forests.step(round)
    process.stderr.write(`round ${round + 1} of ${ROUNDS}\n`)
  }
  const figures = {
    calibration_ms: round(median(times.calibration), 1),
    ...forests.figures(),
    ...fleet.figures(),
  }
  report(args, 'learn-speed', figures, {
    forest_train_s: aim(figures.forest_train_s, '<=', 0.15),
    forest_accuracy_over_peer: aim(round(figures.forest_accuracy - figures.peer_accuracy, 4), '>=', -TOLERANCE),
    inference_per_s: aim(figures.inference_per_s, '>=', 80_000),
    kalman_per_s: aim(figures.kalman_per_s, '>=', 10_000_000),
    hmm_per_s: aim(figures.hmm_per_s, '>=', 2_000_000),
    tick_ms: aim(figures.tick_ms, '<=', 10),
  })
}

/** Does it `count` times; the mean of them is one entry. */
function time<T>(times: Times, name: string, work: (k: number) => T, count = 1): T {
  const began = process.threadCpuUsage()
  let result = work(0)
  for (let k = 1; k < count; k++) result = work(k)
  const { user, system } = process.threadCpuUsage(began)
  times[name] ??= []
  times[name].push((user + system) / 1_000 / count)
  return result
}

const median = (values: readonly number[] = []): number => percentile(values, 50)
const total = (values: readonly number[] = []): number => values.reduce((sum, value) => sum + value, 0)
const round = (value: number, digits = 0): number => Number(value.toFixed(digits))
const perSecond = (count: number, ms: number): number => Math.round((count * 1_000) / ms)

/** A fixed amount of integer and floating arithmetic. */
function calibrate(): number {
  let [state, sum] = [1, 0]
  for (let i = 0; i < 20_000_000; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    sum += 1 / (1 + (state & 1_023))
  }
  return sum
}

function createForests(times: Times) {
  const { train, held } = drawRows(1)
  const [tableTrain, tableHeld] = [tableOf(train), tableOf(held)]
  const labels = [...train.label]
  const votes = createVotes(held)
  // The first ones are slow: nobody has compiled them yet.
  for (let warm = 0; warm < 3; warm++) labelsOfOurs(fitOurs(train), held)
  let accuracy = 0
  return {
    step(part: number): void {
      const ours = time(times, 'train', () => fitOurs(train), FORESTS)
      accuracy = accuracyOf(
        time(times, 'predict', () => labelsOfOurs(ours, held), ASKED),
        held,
      )
      const peer = createPeer(TREES / ROUNDS, part + 1)
      time(times, 'peerTrain', () => peer.train(tableTrain, labels))
      time(times, 'peerPredict', () => addVotes(votes, peer.predictionValues(tableHeld)))
    },
    figures() {
      const trainMs = median(times.train)
      const inference = perSecond(held.count, median(times.predict))
      const peerInference = perSecond(held.count, total(times.peerPredict))
      return {
        forest_train_s: round(trainMs / 1_000, 4),
        peer_forest_train_s: round(total(times.peerTrain) / 1_000, 2),
        forest_train_ratio: round(total(times.peerTrain) / trainMs),
        forest_accuracy: accuracy,
        peer_accuracy: accuracyOf(labelsOfVotes(votes), held),
        inference_per_s: inference,
        peer_inference_per_s: peerInference,
        inference_ratio: round(inference / peerInference, 1),
      }
    },
  }
}

function createFleet(times: Times) {
  const batches = drawFleet(WORKLOADS, TICKS, 1)
  const kalman = createKalmanBank(METRICS.length, WORKLOADS, KALMAN)
  const regimes = createRegimeBank(METRICS.length, WORKLOADS, REGIME)
  const watch = createWatch()
  for (let w = 0; w < WORKLOADS; w++) addRow(watch)
  const expected = { value: new Float64Array(READINGS), spread: new Float64Array(READINGS) }
  const held = { holds: new Uint8Array(WORKLOADS), fresh: new Float64Array(WORKLOADS) }
  const at = new Float64Array(WORKLOADS).fill(1_790_000_000_000)
  const wall: number[] = []
  const step = (into: Times): void => {
    time(into, 'kalman', (k) => stepKalman(kalman, batches[k]!, expected), TICKS)
    time(into, 'hmm', (k) => stepRegimes(regimes, batches[k]!, held), TICKS)
    const began = performance.now()
    time(into, 'tick', (k) => stepWatch(watch, batches[k]!, at.fill(at[0]! + WINDOW_MS)), TICKS)
    wall.push((performance.now() - began) / TICKS)
  }
  step({})
  wall.length = 0
  const peerReadings = Array.from({ length: PEER_STEPS }, (_, k) => 5 + Math.sin(k / 100) + ((k * 7_919) % 101) / 101)
  let difference = 0
  return {
    step(): void {
      step(times)
      const theirs = time(times, 'peerKalman', () => runPeer(peerReadings))
      for (const [k, value] of runOurs(peerReadings).entries())
        difference = Math.max(difference, Math.abs(value - theirs[k]!))
    },
    figures() {
      const kalmanRate = perSecond(READINGS, median(times.kalman))
      const peerRate = perSecond(PEER_STEPS, median(times.peerKalman))
      return {
        kalman_per_s: kalmanRate,
        peer_kalman_per_s: peerRate,
        kalman_ratio: round(kalmanRate / peerRate),
        kalman_largest_difference: difference,
        hmm_per_s: perSecond(WORKLOADS, median(times.hmm)),
        hmm_states: round(total([...regimes.known]) / WORKLOADS, 2),
        tick_ms: round(median(times.tick), 2),
        tick_ms_slowest_round: round(Math.max(...(times.tick ?? [])), 2),
        tick_wall_ms: round(median(wall), 2),
      }
    },
  }
}
