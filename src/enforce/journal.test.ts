import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { commitFault, type Intent, type Journal, monotonicMs, notBefore, openJournal } from './journal.ts'

const home = mkdtempSync(join(tmpdir(), 'guise-journal-'))
after(() => rmSync(home, { recursive: true }))

const generation = (n: number) => ({ system: 's', timeline: 1, n })
const intent = (n: number): Intent => ({
  generation: generation(n),
  boot: 'b',
  deadlineMs: 5,
  before: { n: n - 1 },
  after: { n },
  undo: [],
})
const confirmed = (n: number) => ({ generation: generation(n), boot: 'b', snapshot: { n } })

test('no confirmation, the state before; confirmation, the state after; another boot, the last confirmed', () => {
  const journal = openJournal(home)
  assert.deepEqual(journal.recover('b'), { hold: 'nothing' })
  journal.commit(confirmed(1))
  journal.intend(intent(2))
  assert.equal(journal.recover('b').hold, 'before')
  assert.deepEqual((journal.recover('b') as { snapshot: unknown }).snapshot, { n: 1 })
  assert.deepEqual((journal.recover('other boot') as { snapshot: unknown }).snapshot, { n: 1 })
  assert.equal(journal.recover('other boot').hold, 'confirmed')
  journal.commit(confirmed(2))
  assert.deepEqual((journal.recover('b') as { snapshot: unknown }).snapshot, { n: 2 })
  journal.clear()
  assert.deepEqual((journal.recover('b') as { snapshot: unknown }).snapshot, { n: 2 })
})

test('what was taken off whole and is tried again is not committed by being known', () => {
  const journal = openJournal(home)
  journal.commit({ ...confirmed(3), snapshot: { state: null } })
  journal.intend(intent(3))
  assert.equal(journal.recover('b').hold, 'before')
  journal.commit(confirmed(3))
  assert.equal(journal.recover('b').hold, 'confirmed')
  journal.forget()
})

test('a commit that fails is none, unless it stands under its name', () => {
  const journal = openJournal(home)
  journal.commit(confirmed(3))
  const failing = (commit: Journal['commit']): Journal => ({ ...journal, commit })
  const full = failing(() => {
    throw new Error('no space left on device')
  })
  assert.equal(commitFault(full, confirmed(4)), 'no space left on device')
  const late = failing((one) => {
    journal.commit(one)
    throw new Error('its folder is not on the disk')
  })
  assert.equal(commitFault(late, confirmed(4)), null)
  assert.equal(commitFault(journal, confirmed(5)), null)
  journal.forget()
})

for (const name of ['intent', 'confirmed'] as const) {
  test(`any flipped or missing byte of ${name} is set aside and never believed`, () => {
    const fresh = openJournal(home)
    fresh.commit(confirmed(1))
    fresh.intend(intent(2))
    const path = join(home, 'journal', `${name}.json`)
    const whole = readFileSync(path)
    const spoil = (bytes: Buffer | number) => {
      if (typeof bytes === 'number') truncateSync(path, bytes)
      else writeFileSync(path, bytes)
      const journal = openJournal(home)
      const found = journal.recover('b')
      assert.equal(journal.corrupt, 1)
      assert.ok(readdirSync(join(home, 'journal')).includes(`${name}.corrupt`))
      // Without the intent the last confirmed holds; without the confirmed the intent still knows what was before.
      assert.equal(found.hold, name === 'intent' ? 'confirmed' : 'before')
      assert.deepEqual((found as { snapshot: unknown }).snapshot, { n: 1 })
      writeFileSync(path, whole)
    }
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole)
      flipped[at]! ^= 1 << (at % 8)
      spoil(flipped)
    }
    for (let length = 0; length < whole.length; length += 7) spoil(length)
  })
}

test('no time is earlier than what was written down and what passed since, of this boot or from it', () => {
  const at = Date.UTC(2026, 10, 22)
  const [early, later] = [at - 689 * 86_400_000, at + 86_400_000]
  const since = { at, ranMs: monotonicMs() - 60_000 }
  const isAbout = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 5_000, `${found - wanted}`)
  isAbout(notBefore({ boot: 'b', since }, 'b', early), at + 60_000)
  isAbout(notBefore({ boot: 'b', since }, 'another', early), at + monotonicMs())
  assert.equal(notBefore({ boot: 'b', since: { at, ranMs: monotonicMs() + 1e9 } }, 'b', early), at)
  assert.equal(notBefore({ boot: 'b', since }, 'b', later), later)
  assert.equal(notBefore({ boot: 'b' }, 'b', early), early, 'as an older release wrote it')
})
