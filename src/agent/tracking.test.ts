import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { trackingGaps } from './tracking.ts'

test('a namespace that tracks or counts nothing is said to, with the cure', () => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-tracking-'))
  const kernel = (count: number, acct: number) => {
    writeFileSync(join(folder, 'nf_conntrack_count'), `${count}\n`)
    writeFileSync(join(folder, 'nf_conntrack_acct'), `${acct}\n`)
  }
  try {
    assert.deepEqual(trackingGaps(0, folder), [])
    kernel(0, 1)
    assert.match(trackingGaps(0, folder).join(), /Add one to your firewall: ct state/)
    assert.deepEqual(trackingGaps(1, folder), [])
    kernel(3, 0)
    assert.match(trackingGaps(0, folder).join(), /sysctl net\.netfilter\.nf_conntrack_acct=1$/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
