/** Our forest beside ml-random-forest on the same rows: seeded classes that overlap, half of them held out. */
import { createRequire } from 'node:module'
import { fitForest, type Rows } from '../../src/learn/fit-forest.ts'
import { type Forest, parseForest, predict } from '../../src/learn/forest.ts'
import { seeded } from '../../src/learn/random.ts'

export const TRAIN_ROWS = 800
export const FEATURES = 24
export const TREES = 50
const CLASSES = 4
const HELD_ROWS = 2_000
/** Features of a class that are its own; the others are noise. */
const OWN = 5
const APART = 1.5

export type Split = { readonly train: Rows; readonly held: Rows }

export function drawRows(seed: number): Split {
  const random = seeded(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const centres = Array.from({ length: CLASSES }, () => {
    const centre = new Float64Array(FEATURES)
    for (let k = 0; k < OWN; k++) centre[Math.floor(random() * FEATURES)]! = APART * (random() < 0.5 ? -1 : 1)
    return centre
  })
  const draw = (count: number): Rows => {
    const label = Uint8Array.from({ length: count }, () => Math.floor(random() * CLASSES))
    const x = new Float64Array(count * FEATURES)
    for (let i = 0; i < x.length; i++) x[i] = centres[label[Math.floor(i / FEATURES)]!]![i % FEATURES]! + normal()
    return { count, features: FEATURES, x, label, group: Int32Array.from({ length: count }, (_, i) => i) }
  }
  return { train: draw(TRAIN_ROWS), held: draw(HELD_ROWS) }
}

/** Both forests look at √features a split, grow deep, and have as many trees. */
const TRIED = 5

export function fitOurs(train: Rows, trees = TREES): Forest {
  const json = fitForest(train, CLASSES, { trees, depth: 16, leafRows: 1, tried: TRIED, seed: 1 })
  return parseForest(json, CLASSES)
}

export function labelsOfOurs(forest: Forest, { x, count }: Rows): Uint8Array {
  const shares = new Float64Array(CLASSES)
  return Uint8Array.from({ length: count }, (_, i) => {
    predict(forest, x.subarray(i * FEATURES, (i + 1) * FEATURES), shares)
    return indexOfMost(shares, 0)
  })
}

/** A row of labels comes from each tree. */
type Votes = { to2DArray(): number[][] }
type Peer = { train(x: number[][], y: number[]): void; predictionValues(x: number[][]): Votes }

/** The peer draws features once a tree, not once a split: of 5, 12 and 24 this many do best on these rows. */
const PEER_TRIED = 12

/** Its default of drawing features with repetition fails in this version; out-of-bag figures, which we do not make, are left out. */
export function createPeer(trees: number, seed: number): Peer {
  const { RandomForestClassifier } = createRequire(import.meta.url)('ml-random-forest') as {
    RandomForestClassifier: new (options: object) => Peer
  }
  return new RandomForestClassifier({
    nEstimators: trees,
    maxFeatures: PEER_TRIED,
    replacement: false,
    useSampleBagging: true,
    noOOB: true,
    seed,
  })
}

export const createVotes = ({ count }: Rows): Float64Array => new Float64Array(count * CLASSES)

/** Adds those of each tree. */
export function addVotes(votes: Float64Array, told: Votes): void {
  for (const [i, labels] of told.to2DArray().entries()) for (const label of labels) votes[i * CLASSES + label]!++
}

export function labelsOfVotes(votes: Float64Array): Uint8Array {
  return Uint8Array.from({ length: votes.length / CLASSES }, (_, i) => indexOfMost(votes, i * CLASSES))
}

function indexOfMost(values: Float64Array, from: number): number {
  let best = 0
  for (let c = 1; c < CLASSES; c++) if (values[from + c]! > values[from + best]!) best = c
  return best
}

export const tableOf = ({ x, count }: Rows): number[][] =>
  Array.from({ length: count }, (_, i) => [...x.subarray(i * FEATURES, (i + 1) * FEATURES)])

export const accuracyOf = (told: ArrayLike<number>, { label, count }: Rows): number =>
  label.reduce((right, one, i) => right + (told[i] === one ? 1 : 0), 0) / count
