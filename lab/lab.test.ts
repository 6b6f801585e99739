import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { WorkloadReport } from '../src/model/wire.ts'
import { needRoot } from '../test/need.ts'
import { labAttack } from './attack.ts'
import { labDown } from './down.ts'
import { processesIn } from './namespace.ts'
import { LabError } from './place.ts'
import { startTime } from './processes.ts'
import { labStatus } from './status.ts'
import { namespacesOf, standardLab } from './topology.ts'
import { labUp } from './up.ts'

const prefix = `gl${(process.pid % 100_000).toString(36)}`
const home = mkdtempSync(join(tmpdir(), 'guise-lab-'))
chmodSync(home, 0o755)
const dir = join(home, 'lab')
const skip = needRoot()

after(async () => {
  if (!skip) await labDown({ prefix, dir })
  rmSync(home, { recursive: true, force: true })
})

const read = (command: string, ...argv: string[]) => execFileSync(command, argv, { maxBuffer: 64 << 20 }).toString()

/** The network of the namespace we are in, as the kernel tells it; counters and clocks left out. */
function hostNetwork(): string {
  const settings = read('sysctl', '-e', 'net.ipv4', 'net.ipv6', 'net.core')
    .split('\n')
    .filter((line) => !/random|_count|tcp_fastopen_key|\.mtu_probe/.test(line))
  return [
    read('nft', 'list', 'ruleset'),
    read('ip', '-o', 'link').replace(/qlen \d+/g, ''),
    read('ip', '-o', 'addr').replace(/valid_lft \d+sec|preferred_lft \d+sec/g, ''),
    read('ip', 'route', 'show', 'table', 'all'),
    read('ip', '-6', 'route', 'show', 'table', 'all').replace(/expires \d+sec/g, ''),
    read('ip', 'rule'),
    read('tc', 'qdisc'),
    ...settings,
  ].join('\n')
}

/** Id of the System V segment of the lab's database, from its postmaster.pid. */
const sharedMemory = () =>
  readFileSync(join(dir, 'databases/db1/cluster/postmaster.pid'), 'utf8').split('\n')[6]!.trim().split(/\s+/)[1]!
const isShared = (id: string) =>
  read('ipcs', '-m')
    .split('\n')
    .some((line) => line.split(/\s+/)[1] === id)

/** Flows the router tracks, once `wanted` holds of them. */
async function flowsOnce(wanted: (flows: string) => boolean): Promise<string> {
  const until = performance.now() + 12_000
  for (;;) {
    const flows = read('ip', 'netns', 'exec', `${prefix}-r`, 'cat', '/proc/net/nf_conntrack')
    if (wanted(flows) || performance.now() > until) return flows
    await wait(100)
  }
}

test('a lab comes up, makes traffic of every kind, turns bad, and leaves nothing behind, even when killed', {
  skip,
}, async (t) => {
  const before = hostNetwork()
  const lab = await labUp({ prefix, dir, seed: 7 })

  await t.test('it is up in time, with an inventory an agent can read', () => {
    assert.ok(lab.tookMs < 8_000, `took ${lab.tookMs} ms`)
    const inventory = JSON.parse(readFileSync(lab.inventory, 'utf8')) as WorkloadReport[]
    const namespaces = JSON.parse(readFileSync(lab.namespaces, 'utf8')) as Record<string, string>
    assert.ok(inventory.length >= 8)
    for (const workload of inventory) {
      assert.ok(existsSync(namespaces[workload.key]!), workload.key)
      assert.match(workload.interface!, /^[a-z0-9]{1,15}$/)
      assert.equal(workload.addresses.length, 2)
    }
    assert.ok(inventory.some((w) => w.persona === 'Database') && inventory.some((w) => w.persona === undefined))
  })

  await t.test('a second one is refused with the cure', async () => {
    await assert.rejects(
      labUp({ prefix, dir }),
      (e: Error) => e instanceof LabError && /guise lab down/.test(e.message),
    )
  })

  await t.test('a folder its database may not enter is refused with the cure', async () => {
    const closed = mkdtempSync(join(tmpdir(), 'guise-lab-'))
    await assert.rejects(
      labUp({ prefix: `${prefix}x`, dir: join(closed, 'lab') }),
      /cannot be entered by .*another folder/,
    )
    rmSync(closed, { recursive: true })
  })

  await t.test('database, API, names, clock and browsing flow through the router, in both families', async () => {
    const kinds = [/dport=5432/, /dport=8080/, /dport=53 /, /dport=123 /, /dst=198\.51\.100/, /fd77:/]
    const flows = await flowsOnce((text) => kinds.every((kind) => kind.test(text)))
    for (const kind of kinds) assert.match(flows, kind)
  })

  await t.test('an attack is real traffic of a real workload', async () => {
    const attacks = Promise.all([
      labAttack('beacon', { dir, seconds: 4 }),
      labAttack('scan', { dir, seconds: 4, from: 'idle1' }),
      labAttack('exfil', { dir, seconds: 6, from: 'app1' }),
    ])
    assert.match(await flowsOnce((text) => text.includes('dst=203.0.113.99')), /src=10\.77\.7\.2 dst=203\.0\.113\.99/)
    const [done, scan, exfil] = await attacks
    assert.ok(scan.connections >= 10 && scan.failed >= 5, JSON.stringify(scan))
    assert.ok(exfil.bytesSent >= 5e6 && exfil.failed === 0, JSON.stringify(exfil))
    assert.equal(done.from, 'web1')
    assert.ok(done.connections >= 1 && done.bytesSent > 0, JSON.stringify(done))
    await assert.rejects(labAttack('scan', { dir, from: 'nobody' }), /no workload "nobody"/)
  })

  await t.test('killed with -9, it is still taken away whole', async () => {
    const pids = (await Promise.all(namespacesOf(standardLab(prefix, 7)).map(processesIn))).flat()
    assert.ok(pids.length >= 12)
    const memory = sharedMemory()
    assert.ok(isShared(memory))
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    const until = performance.now() + 5_000
    while (pids.some((pid) => startTime(pid) !== null) && performance.now() < until) await wait(20)
    assert.equal((await labStatus({ dir })).state, 'broken')
    const gone = await labDown({ prefix, dir })
    assert.equal(gone.namespaces, namespacesOf(standardLab(prefix, 7)).length)
    assert.equal(existsSync(dir), false)
    assert.deepEqual(
      read('ip', 'netns')
        .split('\n')
        .filter((line) => line.startsWith(`${prefix}-`)),
      [],
    )
    for (const name of namespacesOf(standardLab(prefix, 7))) assert.equal(existsSync(`/etc/netns/${name}`), false)
    assert.ok(!isShared(memory), 'a shared memory segment of the database is left')
    assert.equal((await labDown({ prefix, dir })).processes, 0)
  })

  await t.test('the network of the host is what it was', () => assert.equal(hostNetwork(), before))
})
