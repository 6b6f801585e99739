import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countWord, createPortrait, type Portrait } from '../../model/portrait.ts'
import { parseForest } from '../forest.ts'
import { type Random, seeded } from '../random.ts'
import { fitCalibration } from './calibration.ts'
import { encode, learnEncoder, type Seen, widthOf } from './encoder.ts'
import { type Example, fitRecogniser, foldOf, type RecogniserSettings } from './fit-recogniser.ts'
import { areaUnderCurve, judgeVerdicts } from './judgement.ts'
import { recognise } from './recognise.ts'
import { parseRecogniser, recogniserJson } from './recogniser-file.ts'

const ROOM = { left: 1e9 }
const SETTINGS: RecogniserSettings = { set: 'behaviour + hints', words: 200, trees: 20, seed: 7 }

/** Of ten words of its type each is said with probability 0.7, of everybody's with 0.5. */
function portraitOf(type: string, random: Random): Portrait {
  const portrait = createPortrait(0)
  for (let i = 0; i < 10; i++) {
    if (random() < 0.7) countWord(portrait.behaviour, `${type} does ${i}`, ROOM)
    if (random() < 0.5) countWord(portrait.behaviour, `everybody does ${i}`, ROOM)
  }
  if (random() < 0.9) countWord(portrait.hints, `name of ${type}`, ROOM)
  return portrait
}
const shown = (portrait: Portrait): Seen => ({ kind: 'portrait', portrait })

function examplesOf(types: readonly string[], each: number, seed: number): Example[] {
  const random = seeded(seed)
  return types.flatMap((type) =>
    Array.from({ length: each }, () => ({ type, ages: [shown(portraitOf(type, random))] as const })),
  )
}

function learnt(examples: readonly Example[], settings = SETTINGS) {
  const provenance = { data: 'd', examples: examples.length, seed: settings.seed, merged: {} }
  // Through its file, as everybody gets it.
  return parseRecogniser(JSON.parse(JSON.stringify(recogniserJson(fitRecogniser(examples, settings), provenance))))
}

test('types are told apart on devices it has not seen; a stranger is unknown; the same seed gives the same model', () => {
  const types = ['camera', 'plug', 'scale']
  const recogniser = learnt(examplesOf(types, 12, 1))
  const verdicts = examplesOf(types, 20, 2).map(({ type, ages }) => {
    const { p, guess, type: told, unknown } = recognise(recogniser, ages[0]!)
    assert.ok(Math.abs(p.reduce((a, b) => a + b, 0) - 1) < 1e-9)
    return { truth: type, told, guess, p: Math.max(...p), unknown }
  })
  const { accuracy, ece, abstained } = judgeVerdicts(verdicts)
  assert.ok(accuracy > 0.95 && ece < 0.15, `${accuracy} ${ece} ${abstained}`)
  const strangers = examplesOf(['kettle'], 20, 3).map(({ ages }) => recognise(recogniser, ages[0]!).unknown)
  const known = verdicts.map(({ unknown }) => unknown)
  assert.ok(areaUnderCurve(strangers, known) > 0.95)
  const again = fitRecogniser(examplesOf(types, 12, 1), SETTINGS)
  assert.deepEqual(again, fitRecogniser(examplesOf(types, 12, 1), SETTINGS))
})

test('without hints no name is looked at', () => {
  const random = seeded(5)
  const named = (type: string): Example => {
    const portrait = createPortrait(0)
    for (let i = 0; i < 6; i++) if (random() < 0.6) countWord(portrait.behaviour, `does ${i}`, ROOM)
    countWord(portrait.hints, `name of ${type}`, ROOM)
    return { type, ages: [shown(portrait)] }
  }
  const examples = Array.from({ length: 40 }, (_, i) => named(i % 2 === 0 ? 'a' : 'b'))
  const test = examples.slice(0, 20)
  const right = (set: RecogniserSettings['set']) => {
    const recogniser = learnt(examples.slice(20), { ...SETTINGS, set })
    return test.filter(({ type, ages }) => recognise(recogniser, ages[0]!).guess === type).length
  }
  assert.equal(right('behaviour + hints'), 20)
  assert.ok(right('behaviour') < 18)
})

test('rows of a table: numbers, texts, what was never seen; a kind of attack left out is still an attack', () => {
  const random = seeded(11)
  const row = (type: 'normal' | 'attack', kind: number): Example => {
    const level = type === 'normal' ? 0 : 1 + kind / 3
    const fields = [String(level + random()), type === 'normal' ? 'http' : `x${kind}`, String(random())]
    return { type, ...(type === 'attack' ? { kind: `kind ${kind}` } : {}), ages: [{ kind: 'row', fields }] }
  }
  const examples = Array.from({ length: 300 }, (_, i) => row(i % 2 === 0 ? 'normal' : 'attack', i % 3))
  const recogniser = learnt(examples.filter(({ kind }) => kind !== 'kind 1'))
  const left = examples.filter(({ kind }) => kind === 'kind 1')
  const told = left.filter(({ ages }) => recognise(recogniser, ages[0]!).guess === 'attack').length
  assert.ok(told > left.length * 0.9, `${told} of ${left.length}`)
  const encoder = learnEncoder(
    examples.map(({ ages }) => ages[0]!),
    SETTINGS,
  )
  const x = new Float64Array(widthOf(encoder))
  assert.equal(encode(encoder, { kind: 'row', fields: ['0.5', 'http', '0.5'] }, x), 1)
  assert.equal(encode(encoder, { kind: 'row', fields: ['99', 'gopher', 'none'] }, x), 0)
  assert.ok(Number.isNaN(x.at(-1)))
  assert.throws(() => encode(encoder, { kind: 'row', fields: ['1'] }, x), /a row of 1 columns/)
  assert.throws(() => encode(encoder, shown(createPortrait(0)), x), /learnt from rows of a table/)
})

test('every example is in exactly one fold; those of one kind together', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.constantFrom('a', 'b'), kind: fc.constantFrom('x', 'y', 'z') })),
      (all) => {
        const examples = all.map(({ type, kind }) => (type === 'a' ? { type } : { type, kind }))
        const folds = [0, 1, 2].map((fold) => foldOf(examples, 3, fold))
        assert.equal(
          folds.reduce((sum, { size }) => sum + size, 0),
          examples.length,
        )
        for (const kind of ['x', 'y', 'z'])
          assert.ok(folds.filter((fold) => [...fold].some((one) => one.kind === kind)).length <= 1)
      },
    ),
  )
})

test('a calibration survives shares that are certain, and leaves alone what it cannot mend', () => {
  const told = Array.from({ length: 40 }, (_, i) => ({ p: Float64Array.from(i % 2 ? [0, 1] : [1, 0]), label: i % 2 }))
  const { temperature, lean } = fitCalibration(told)
  assert.ok(temperature > 0 && Number.isFinite(lean))
  assert.deepEqual(fitCalibration(told.map((one) => ({ ...one, label: 1 - one.label }))), { temperature: 1, lean: 0 })
})

test('a file that is none, of other features, or not whole is refused with its reason', () => {
  const provenance = { data: 'd', examples: 6, seed: 1, merged: {} }
  const whole = JSON.parse(
    JSON.stringify(recogniserJson(fitRecogniser(examplesOf(['a', 'b'], 3, 1), SETTINGS), provenance)),
  )
  assert.ok(parseForest(whole.forest, 2))
  const broken: [RegExp, object | null][] = [
    [/guise learn train/, null],
    [/guise learn train/, { ...whole, format: 'other' }],
    [/made for the features portrait\/0/, { ...whole, provenance: { ...whole.provenance, features: 'portrait/0' } }],
    [/calibration is missing/, { ...whole, calibration: { temperature: 0, lean: 0 } }],
    [/a root is no node/, { ...whole, forest: { ...whole.forest, roots: [] } }],
    [/a root is no node/, { ...whole, forest: { ...whole.forest, roots: [1e6] } }],
    [
      /a share or a threshold is no number/,
      { ...whole, forest: { ...whole.forest, share: whole.forest.share.map(() => null) } },
    ],
    [/asks for more than/, { ...whole, forest: { ...whole.forest, feature: whole.forest.feature.map(() => 9_999) } }],
    [/neither captures nor tables/, { ...whole, encoder: { ...whole.encoder, words: ['a'] } }],
    [
      /neither captures nor tables/,
      {
        ...whole,
        encoder: { kind: 'table', columns: [{ kind: 'text' }] },
        provenance: { ...whole.provenance, features: 'table/1' },
      },
    ],
    [/columns do not agree/, { ...whole, forest: { ...whole.forest, left: [] } }],
  ]
  for (const [why, json] of broken) assert.throws(() => parseRecogniser(json), why)
  assert.throws(() => fitRecogniser(examplesOf(['a'], 3, 1), SETTINGS), /2 to 250 types, and there are 1/)
})
