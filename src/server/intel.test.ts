import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { FeedManifest } from '../model/manifest.ts'
import { createIntel } from './intel.ts'

const feed = (name: string, use: 'blocklist' | 'neverBlock', path: string): FeedManifest => ({
  apiVersion: 'guise/v1',
  kind: 'Feed',
  metadata: { name },
  spec: { path, use },
})

function homeFor(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'guise-intel-'))
  t.after(() => rmSync(home, { recursive: true }))
  mkdirSync(join(home, 'feeds'))
  return home
}

test('lists become indicators; a list that vanishes or shrinks does not disarm us; paths cannot climb', async (t) => {
  const home = homeFor(t)
  writeFileSync(join(home, 'feeds/bad.txt'), Array.from({ length: 20 }, (_, i) => `203.0.113.${i}`).join('\n'))
  writeFileSync(join(home, 'feeds/never.txt'), '198.51.100.1\n')
  writeFileSync(join(home, 'secret'), '203.0.113.99\n')
  const warnings: string[] = []
  const intel = createIntel(home, (text) => warnings.push(text), Date.now)
  const feeds = [feed('Bad', 'blocklist', 'bad.txt'), feed('Never', 'neverBlock', 'never.txt')]

  const first = await intel.refresh(feeds)
  assert.equal(first.changed, true)
  assert.deepEqual(first.intel.entries[0], { cidr: '203.0.113.0/32', score: 0, feed: 'bad', confidence: 0.8 })
  assert.deepEqual(first.intel.neverBlock, ['198.51.100.1/32'])
  assert.equal((await intel.refresh(feeds)).changed, false)

  writeFileSync(join(home, 'feeds/bad.txt'), '203.0.113.1\n')
  const shrunk = await intel.refresh(feeds)
  assert.equal(shrunk.intel.entries.length, 20)
  assert.match(intel.health()[0]!.problem!, /shrank from 20 to 1/)
  rmSync(join(home, 'feeds/bad.txt'))
  assert.equal((await intel.refresh(feeds)).intel.entries.length, 20)
  assert.equal(warnings.length, 2)

  assert.equal((await intel.refresh([feed('Climb', 'blocklist', '../secret')])).intel.entries.length, 0)
})

test('a feed that a person leads to another file is that file, however small; one that was removed is no copy of a new one', async (t) => {
  const home = homeFor(t)
  writeFileSync(join(home, 'feeds/wrong.txt'), Array.from({ length: 20 }, (_, i) => `203.0.113.${i}`).join('\n'))
  writeFileSync(join(home, 'feeds/right.txt'), '198.51.100.1\n')
  const intel = createIntel(home, () => {}, Date.now)
  const listed = async (...feeds: FeedManifest[]) => (await intel.refresh(feeds)).intel.entries.map(({ cidr }) => cidr)
  assert.equal((await listed(feed('Bad', 'blocklist', 'wrong.txt'))).length, 20)
  assert.deepEqual(await listed(feed('Bad', 'blocklist', 'right.txt')), ['198.51.100.1/32'])
  assert.equal(intel.health()[0]!.problem, null)
  assert.deepEqual(await listed(feed('Bad', 'blocklist', 'nowhere.txt')), [])

  assert.equal((await listed(feed('Bad', 'blocklist', 'wrong.txt'))).length, 20)
  assert.deepEqual(await listed(), [])
  writeFileSync(join(home, 'feeds/wrong.txt'), '203.0.113.1\n')
  assert.deepEqual(await listed(feed('Bad', 'blocklist', 'wrong.txt')), ['203.0.113.1/32'])
})

test('a list is read again when its refresh is due, at once when the feed was written, and with every round while it fails', async (t) => {
  const home = homeFor(t)
  const list = join(home, 'feeds/bad.txt')
  let now = 1_700_000_000_000
  const intel = createIntel(
    home,
    () => {},
    () => now,
  )
  const hourly = feed('Bad', 'blocklist', 'bad.txt')
  hourly.spec.refresh = '1h'
  /** A minute later, what its file says now. */
  const round = async (text: string | null, feeds = [hourly]) => {
    now += 60_000
    if (text === null) rmSync(list, { force: true })
    else writeFileSync(list, text)
    return (await intel.refresh(feeds)).intel.entries.map(({ cidr }) => cidr)
  }
  assert.deepEqual(await round(null), [])
  assert.match(intel.health()[0]!.problem!, /ENOENT/)
  assert.deepEqual(await round('192.0.2.1\n'), ['192.0.2.1/32'])
  for (let minute = 1; minute < 60; minute++) assert.deepEqual(await round('192.0.2.2\n'), ['192.0.2.1/32'])
  // The hour is over, give or take what a timer is early.
  now -= 1_000
  assert.deepEqual(await round('192.0.2.2\n'), ['192.0.2.2/32'])
  assert.deepEqual(await round('192.0.2.3\n'), ['192.0.2.2/32'])
  assert.deepEqual(await round('192.0.2.3\n', [{ ...hourly, spec: { ...hourly.spec, confidence: 0.5 } }]), [
    '192.0.2.3/32',
  ])
  const often = [feed('Bad', 'blocklist', 'bad.txt')]
  assert.deepEqual(await round('192.0.2.4\n', often), ['192.0.2.4/32'])
  assert.deepEqual(await round('192.0.2.5\n', often), ['192.0.2.5/32'])
  const daily: FeedManifest = { ...hourly, spec: { ...hourly.spec, refresh: '1d' } }
  assert.deepEqual(await round('192.0.2.6\n', [daily]), ['192.0.2.6/32'])
  now -= 3_600_000
  assert.deepEqual(await round('192.0.2.7\n', [daily]), ['192.0.2.7/32'])
})
