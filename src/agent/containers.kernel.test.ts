/** Containers as namespaces, in a real kernel: what is remembered of one, for how long, and whose link is whose. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../bench/kill/range.ts'
import { needRoot } from '../../test/need.ts'
import type { Running } from '../enforce/drivers/container/list.ts'
import type { WorkloadReport } from '../model/wire.ts'

const skip = needRoot()
const FIXTURE = new URL('./containers.fixture.ts', import.meta.url).pathname
const home = skip === false ? mkdtempSync(join(tmpdir(), 'guise-containers-')) : ''
const space = (name: string) => `guise${name}${process.pid}`
const ip = (...argv: string[]) => execFileSync('ip', argv, { stdio: 'pipe' }).toString()
const inside = (name: string, ...argv: string[]) => ip('-n', space(name), ...argv)

/** Its link, `faceNAME` with us, leads into it as eth0. Both have the number that is wanted of them. */
function link(name: string, outer: number, inner: number, address: string): void {
  ip('netns', 'add', space(name))
  const peer = ['peer', 'name', 'eth0', 'index', `${inner}`, 'netns', space(name)]
  inside('host', 'link', 'add', `face${name}`, 'index', `${outer}`, 'type', 'veth', ...peer)
  inside(name, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
}

/** The kernel takes the links of a namespace away behind it, when it comes to it. */
async function remove(name: string): Promise<void> {
  ip('netns', 'del', space(name))
  await until(`the link of ${name} is gone`, 20_000, () => !inside('host', '-o', 'link').includes(`face${name}@`))
}

const ALL = ['host', 'one', 'two', 'thief', 'nest']
before(() => {
  if (skip === false) ip('netns', 'add', space('host'))
})
after(() => {
  if (skip !== false) return
  const left = ip('netns', 'list')
  for (const name of ALL) if (left.includes(space(name))) ip('netns', 'del', space(name))
  rmSync(home, { recursive: true, force: true })
})

/** Name, link and addresses of each. */
function found(...names: string[]) {
  const running = names.map(
    (name): Running => ({ key: `container:${name}`, name, namespace: `/run/netns/${space(name)}` }),
  )
  const argv = ['netns', 'exec', space('host'), process.execPath, FIXTURE, home, JSON.stringify(running)]
  const reports = JSON.parse(execFileSync('ip', argv).toString()) as WorkloadReport[]
  return reports.map((report) => [report.name, report.interface, ...report.addresses])
}

test('what it had when it was first seen holds as long as its namespace stands, and no longer', { skip }, async () => {
  link('one', 101, 11, '10.91.1.2')
  assert.deepEqual(found('one'), [['one', 'faceone', '10.91.1.2']])
  inside('one', 'addr', 'flush', 'dev', 'eth0')
  inside('one', 'addr', 'add', '10.91.9.9/24', 'dev', 'eth0')
  assert.deepEqual(found('one'), [['one', 'faceone', '10.91.1.2']], 'what a persona may have given it is not its own')
  // Started again under its id: the name is the same, and the kernel may give the same inode again.
  for (let n = 2; n < 5; n++) {
    await remove('one')
    assert.deepEqual(found('one'), [])
    link('one', 101, 11, `10.91.1.${n}`)
    assert.deepEqual(found('one'), [['one', 'faceone', `10.91.1.${n}`]])
    await remove('one')
    link('one', 101, 11, `10.91.2.${n}`)
    assert.deepEqual(found('one'), [['one', 'faceone', `10.91.2.${n}`]], 'with no look between')
  }
})

test('nobody passes for the other end of a neighbour’s link', { skip }, () => {
  link('two', 102, 12, '10.91.3.2')
  link('thief', 103, 13, '10.91.4.2')
  ip('netns', 'add', space('nest'))
  // As one may who administers its own network: both numbers are those of the neighbour's link.
  const peer = ['peer', 'name', 'other', 'index', '102', 'netns', space('nest')]
  inside('thief', 'link', 'add', 'false0', 'index', '12', 'type', 'veth', ...peer)
  inside('thief', 'addr', 'add', '10.91.3.66/24', 'dev', 'false0')
  assert.deepEqual(found('thief', 'two'), [
    ['thief', 'facethief', '10.91.4.2'],
    ['two', 'facetwo', '10.91.3.2'],
  ])
})
