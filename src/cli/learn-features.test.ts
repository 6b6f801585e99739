import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FeatureStanding, WorkloadFeatures } from '../model/feature-standing.ts'
import { featuresText } from './learn-features.ts'

const feature = (over: Partial<FeatureStanding>): FeatureStanding => ({
  name: 'outInitiated',
  unit: 'share',
  means: 'sent, of the bytes of flows it opened',
  value: 0.96,
  low: 0.02,
  high: 0.31,
  outside: true,
  moved: -0.214,
  ...over,
})

const TOLD: WorkloadFeatures = {
  persona: 'Web User',
  basis: 'believed',
  p: 0.934,
  at: 1_790_000_010_000,
  model: 'm',
  features: [
    feature({}),
    feature({ unit: 'bytes per minute', means: 'bytes moved', value: 12_345_678, low: 40_000, high: 9e6 }),
    feature({ unit: 'ms', means: 'length of its flows', value: 120, low: 4, high: 12_000, outside: false, moved: 0.1 }),
    feature({ unit: 'bits', means: 'spread', value: 1.25, low: null, high: null, outside: false, moved: 0 }),
    feature({
      unit: 'count',
      means: 'ports it was asked for on',
      value: null,
      low: 1,
      high: 3,
      outside: false,
      moved: null,
    }),
  ],
}

test('features in words: what is outside is marked, what was not seen is told so', () => {
  assert.equal(
    featuresText('web1', TOLD),
    [
      'web1 beside Web User, believed (p 0.93): 2 of 4 features outside, in the window until 2026-09-21T14:13:30.000Z',
      '',
      '   feature                                value        typical                moved',
      '!  sent, of the bytes of flows it opened  96 %         2 % to 31 %            -0.21',
      '!  bytes moved                            12.3 MB/min  40 kB/min to 9 MB/min  -0.21',
      '   length of its flows                    120 ms       4 ms to 12 s           +0.10',
      '   spread                                 1.3 bits                            0.00',
      '   ports it was asked for on              not seen     1 to 3',
    ].join('\n'),
  )
})

test('before anybody is believed there is nothing to be beside', () => {
  assert.match(featuresText('web1', { ...TOLD, persona: null, basis: null }), /nobody is believed or assigned yet/)
  assert.match(featuresText('web1', { ...TOLD, at: null }), /no window of it was whole yet/)
})
