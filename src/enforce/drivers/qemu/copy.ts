/** A running machine and one that waits for memory come in; two that run come out, the second with its uplink closed. */
import { setTimeout as wait } from 'node:timers/promises'
import { effect } from '../../fault.ts'
import { socketsOf } from './machine.ts'
import { type Qmp, withQmp } from './qmp.ts'

const WITHIN_MS = 30_000
const LOOK_MS = 20
/** Bytes per second: as fast as a local socket takes it. The source stands still for the last part only. */
const FAST = { 'max-bandwidth': 10_000_000_000, 'downtime-limit': 300 }

/**
 * Memory goes from process to process and never touches a disk, where an image of it would hold the keys of the guest.
 * Whatever happens, the source runs again.
 */
export async function copyRunning(source: string, copy: string, incoming: string): Promise<void> {
  await withQmp(socketsOf(source).monitor, async (qmp) => {
    await effect('machine copy', () => qmp.execute('migrate-set-parameters', FAST))
    try {
      await effect('machine copy', () => qmp.execute('migrate', { uri: `unix:${incoming}` }))
      await migrated(qmp)
    } catch (error) {
      await effect('machine copy', () => qmp.execute('migrate_cancel')).catch(() => {})
      throw error
    } finally {
      if (!(await qmp.execute('query-status')).running) await effect('machine go on', () => qmp.execute('cont'))
    }
  })
  await withQmp(socketsOf(copy).monitor, async (qmp) => {
    await until('the copy has its memory', async () => (await qmp.execute('query-status')).status === 'paused')
    // It still believes that it is the other one, addresses and all.
    await effect('machine link', () => qmp.execute('set_link', { name: 'nic0', up: false }))
    await effect('machine go on', () => qmp.execute('cont'))
  })
}

async function migrated(qmp: Qmp): Promise<void> {
  await until('the memory is copied', async () => {
    const answer = await qmp.execute('query-migrate')
    if (answer.status === 'failed')
      throw new Error(`QEMU could not copy the memory: ${answer['error-desc'] ?? 'no reason'}`)
    return answer.status === 'completed'
  })
}

async function until(what: string, met: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + WITHIN_MS
  while (!(await met())) {
    if (performance.now() > end) throw new Error(`not within ${WITHIN_MS} ms: ${what}`)
    await wait(LOOK_MS)
  }
}
