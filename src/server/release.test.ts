/** A person's word against a containment: enough to hold now, not for ever, and never a reason to trust more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { riskOf } from '../assess/risk.ts'
import type { Evidence } from '../model/evidence.ts'
import { releaseEvidence } from './release.ts'

const NOW = 1_800_000_000_000
const upload: Evidence = {
  kind: 'exfiltration',
  subject: 'web1',
  peer: '203.0.113.66',
  weight: 3.9,
  halfLifeMs: 3_600_000,
  at: NOW,
  authenticated: true,
  source: 'exfiltration/1',
  why: 'sent 19.8 MB to 203.0.113.66 within 10 s',
  figures: {},
}

test('what a person releases is below the line where automation asks, and other evidence still counts', () => {
  const before = riskOf([upload], NOW)
  assert.ok(before.value >= 0.7)
  const word = releaseEvidence(before, 'web1', 'session:mira', 'a backup I started', NOW)!
  assert.match(word.why, /^mira released its containment: a backup I started$/)
  const after = riskOf([upload, word], NOW)
  assert.ok(Math.abs(after.value - 0.3) < 1e-9, String(after.value))
  const scan: Evidence = { ...upload, kind: 'scan.horizontal', peer: null, weight: 3 }
  assert.ok(riskOf([upload, word, scan], NOW).value >= 0.7)
  const renewed = riskOf([{ ...upload, at: NOW + 5_400_000 }, word], NOW + 5_400_000)
  assert.ok(renewed.value >= 0.7, 'the word fades while the upload goes on')
})

test('a quiet workload needs no word', () => {
  assert.equal(releaseEvidence(riskOf([], NOW), 'web1', 'mira', 'why not', NOW), null)
})
