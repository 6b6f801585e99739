import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Unseen } from '../../model/gate.ts'
import { judgeGate, sentenceOf } from './verdict.ts'

const HOUR_MS = 3_600_000
const unseen = (change: Partial<Unseen>): Unseen => ({
  share: 0.03,
  low: 0.01,
  high: 0.06,
  traffic: 412,
  rules: 17,
  once: 4,
  blocks: 12,
  spanMs: 24 * HOUR_MS,
  horizonMs: 24 * HOUR_MS,
  reachMs: 100 * HOUR_MS,
  rehearsed: null,
  ...change,
})

test('the sentence', () => {
  assert.equal(sentenceOf(unseen({})), '≈ 3 % of traffic not seen yet (1–6 %)')
  assert.equal(sentenceOf(unseen({ share: 0, low: 0, high: 0.013 })), '≈ 0 % of traffic not seen yet (0–1 %)')
  assert.equal(
    sentenceOf(unseen({ share: 0.0004, low: 0, high: 0.004 })),
    '≈ < 0.1 % of traffic not seen yet (0–0.4 %)',
  )
  const nothing = 'how much of the traffic was not seen yet is not known'
  assert.equal(sentenceOf(unseen({ share: 0, low: 0, high: 1 })), nothing)
  assert.equal(sentenceOf(unseen({ share: 0.998, low: 0.9, high: 1 })), '≈ > 99 % of traffic not seen yet (90–100 %)')
  assert.equal(sentenceOf(unseen({ share: 1, low: 1, high: 1 })), '≈ 100 % of traffic not seen yet (100 %)')
  assert.equal(sentenceOf(unseen({ traffic: 0 })), 'no traffic seen yet')
})

test('ready only when the interval ends below the bar, and every verdict says why', () => {
  const said = (change: Partial<Unseen>, bar?: number) => {
    const { verdict, why } = judgeGate(unseen(change), bar)
    return `${verdict}: ${why}`
  }
  const basis = '24 h watched, 412 conversations by 17 rules, 4 of them met once'
  assert.equal(said({ high: 0.04 }), `ready: ${basis}; at most 4 % is unseen`)
  assert.equal(said({}), `wait: ${basis}: too little to say less than 6 %, and 5 % is allowed`)
  assert.equal(said({ share: 0.2, high: 0.4 }), `wait: ${basis}; that is more than 5 %`)
  assert.equal(said({ high: 0.06 }, 0.1), `ready: ${basis}; at most 6 % is unseen`)
  assert.equal(said({ traffic: 0 }), 'wait: nothing was seen yet')
  const early = {
    spanMs: HOUR_MS / 20,
    reachMs: HOUR_MS / 8,
    blocks: 1,
    traffic: 8,
    rules: 8,
    once: 8,
    share: 1,
    high: 1,
  }
  const minutes = '3 min watched, 8 conversations by 8 rules, 8 of them met once'
  assert.equal(said(early), `wait: ${minutes}: what had no time to come back says nothing of the next 24 h`)
  assert.equal(
    said({ traffic: 17, once: 17, share: 1, high: 1 }),
    'wait: 24 h watched, 17 conversations by 17 rules, 17 of them met once: nothing came back, so nothing says where the new ends',
  )
  assert.match(
    said({ spanMs: 72 * HOUR_MS, traffic: 1, rules: 1, once: 0, high: 0 }),
    /3 days watched, 1 conversation by 1 rule,/,
  )
})
