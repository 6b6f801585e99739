import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FeedManifest } from '../model/manifest.ts'
import { createIntel } from './intel.ts'

const feed = (name: string, use: 'blocklist' | 'neverBlock', path: string): FeedManifest => ({
  apiVersion: 'guise/v1',
  kind: 'Feed',
  metadata: { name },
  spec: { path, use },
})

test('lists become indicators; a list that vanishes or shrinks does not disarm us; paths cannot climb', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'guise-intel-'))
  t.after(() => rmSync(home, { recursive: true }))
  mkdirSync(join(home, 'feeds'))
  writeFileSync(join(home, 'feeds/bad.txt'), Array.from({ length: 20 }, (_, i) => `203.0.113.${i}`).join('\n'))
  writeFileSync(join(home, 'feeds/never.txt'), '198.51.100.1\n')
  writeFileSync(join(home, 'secret'), '203.0.113.99\n')
  const warnings: string[] = []
  const intel = createIntel(home, (text) => warnings.push(text))
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
  const home = mkdtempSync(join(tmpdir(), 'guise-intel-'))
  t.after(() => rmSync(home, { recursive: true }))
  mkdirSync(join(home, 'feeds'))
  writeFileSync(join(home, 'feeds/wrong.txt'), Array.from({ length: 20 }, (_, i) => `203.0.113.${i}`).join('\n'))
  writeFileSync(join(home, 'feeds/right.txt'), '198.51.100.1\n')
  const intel = createIntel(home, () => {})
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
