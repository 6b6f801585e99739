/** Our bank of filters beside kalman-filter, the npm package, with the same four states: what each expects must be the same. */
import { createRequire } from 'node:module'
import { createKalmanBank, type KalmanModel, stepKalman } from '../../src/learn/watch/kalman-bank.ts'
import { createBatch, KALMAN } from '../../src/learn/watch/watch.ts'

/** Noise of 1, as the peer is told, and no reading bounded: the peer bounds none. */
const MODEL: KalmanModel = { ...KALMAN, warm: Number.POSITIVE_INFINITY }

type State = { readonly mean: number[][]; readonly covariance: number[][] }
type Peer = {
  predict(of: { previousCorrected: State | null }): State
  correct(of: { predicted: State; observation: number[] }): State
}
type PeerClass = { KalmanFilter: new (options: object) => Peer; State: new (state: object) => State }

const peers = createRequire(import.meta.url)('kalman-filter') as PeerClass

function createPeer(): Peer {
  const turn = (2 * Math.PI) / MODEL.period
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)]
  return new peers.KalmanFilter({
    observation: { dimension: 1, stateProjection: [[1, 0, 1, 0]], covariance: [[1]] },
    dynamic: {
      dimension: 4,
      transition: [
        [1, MODEL.damping, 0, 0],
        [0, MODEL.damping, 0, 0],
        [0, 0, cos, sin],
        [0, 0, -sin, cos],
      ],
      covariance: diagonal([MODEL.level, MODEL.slope, MODEL.wave, MODEL.wave]),
    },
  })
}

const diagonal = (values: readonly number[]): number[][] =>
  values.map((v, i) => values.map((_, j) => (i === j ? v : 0)))

/** Where ours stands after the first reading. */
const stateAfter = (first: number): State =>
  new peers.State({
    mean: [[first], [0], [0], [0]],
    covariance: diagonal([1, MODEL.slopePrior, MODEL.wavePrior, MODEL.wavePrior]),
    index: 0,
  })

/** Steps the peer through one series; what it expected of each reading, the first left out. */
export function runPeer(readings: readonly number[]): number[] {
  const peer = createPeer()
  let state = stateAfter(readings[0]!)
  return readings.slice(1).map((reading) => {
    const predicted = peer.predict({ previousCorrected: state })
    state = peer.correct({ predicted, observation: [reading] })
    return predicted.mean[0]![0]! + predicted.mean[2]![0]!
  })
}

export function runOurs(readings: readonly number[]): number[] {
  const bank = createKalmanBank(1, 1, MODEL)
  const out = { value: new Float64Array(1), spread: new Float64Array(1) }
  const batch = { ...createBatch(1), readings: new Float64Array(1) }
  batch.steps[0] = 1
  return readings
    .map((reading) => {
      batch.readings[0] = reading
      stepKalman(bank, batch, out)
      return out.value[0]!
    })
    .slice(1)
}
