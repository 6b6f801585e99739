/** Packages of a real root with a real apt, through the real agent: from a repository made here, so that no network is needed. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { agentOnRange } from '../../../bench/kill/agent-on-range.ts'
import { until } from '../../../bench/kill/range.ts'
import { removePodmanFolder } from '../../../guest/podman-folder.ts'
import { namespaceOf } from '../../../lab/topology.ts'
import { needPodman, needRoot } from '../../../test/need.ts'
import type { AgentState } from '../../model/desired.ts'
import { capturePackages, changePackages } from './packages/change.ts'
import { readInstalled } from './packages/installed.ts'
import { makeReady } from './packages/make-ready.ts'
import { readReady } from './packages/record.ts'

const run = promisify(execFile)
const skip = needRoot()
const folder = skip === false ? mkdtempSync(join(tmpdir(), 'guise-packages-')) : ''
const root = join(folder, 'root')

// First, so that the agent has left before its folder is taken away.
const on = agentOnRange('pk', skip)

after(async () => {
  if (skip !== false) return
  await removePodmanFolder(folder)
})

before(async () => {
  if (skip !== false) return
  await until('the range stands', 30_000, () => (on.server as typeof on.server | undefined)?.connected === true)
  const named = (from: number) => on.server.reports.slice(from).some(({ workloads }) => workloads !== undefined)
  // Or what it names at first would be taken for what it read.
  await until('the agent named its workloads', 20_000, () => named(0))
  makeRoot()
  for (const [name, version, more] of PACKAGES) await build(name, version, more)
  await index()
  const places = join(on.range.dir, 'places.json')
  const known = JSON.parse(readFileSync(places, 'utf8')) as Record<string, object>
  writeFileSync(places, JSON.stringify({ ...known, [key()]: { ...known[key()], root } }))
  writeFileSync(
    join(on.range.home, 'floor.yaml'),
    'version: 1\npackages: [gp-server, gp-tool, gp-library=1.0, gp-broken, gp-hungry, gp-base, gp-absent, gp-escape]\n',
  )
  const told = on.server.reports.length
  const reports = readFileSync(on.range.inventory, 'utf8')
  writeFileSync(on.range.inventory, `${reports}\n`)
  await until('the agent read it', 20_000, () => named(told))
})

const PACKAGES = [
  ['gp-server', '1.0', 'Depends: gp-library'],
  ['gp-server', '1.1', 'Depends: gp-library'],
  ['gp-library', '1.0', ''],
  ['gp-tool', '2:2.0', ''],
  ['gp-base', '1.0', ''],
  ['gp-base', '1.1', ''],
  ['gp-hungry', '1.0', 'Depends: gp-base (>= 1.1)'],
  ['gp-broken', '1.0', 'Depends: gp-unlisted'],
  ['gp-unlisted', '1.0', ''],
] as const
const key = () => namespaceOf(on.range.plan.prefix, 'wa')

/** This machine's programs over an empty dpkg: what is written stays in a folder of ours. */
function makeRoot(): void {
  for (const name of ['root', 'up', 'work']) mkdirSync(join(folder, name))
  const layers = `lowerdir=/,upperdir=${join(folder, 'up')},workdir=${join(folder, 'work')}`
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, root])
  for (const name of ['var/lib/dpkg', 'var/lib/apt', 'var/cache/apt', 'etc/apt'])
    rmSync(join(root, name), { recursive: true, force: true })
  for (const name of [
    ...['var/lib/dpkg/info', 'var/lib/dpkg/updates', 'var/lib/apt/lists/partial', 'var/cache/apt/archives/partial'],
    ...['etc/apt/apt.conf.d', 'etc/apt/preferences.d', 'srv/repository'],
  ])
    mkdirSync(join(root, name), { recursive: true })
  writeFileSync(join(root, 'var/lib/dpkg/status'), '')
  writeFileSync(join(root, 'etc/apt/sources.list'), 'deb [trusted=yes] copy:/srv/repository ./\n')
}

async function build(name: string, version: string, more: string, script?: string): Promise<void> {
  const tree = join(folder, `${name}-${version}`)
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true })
  mkdirSync(join(tree, 'opt/gp'), { recursive: true })
  writeFileSync(join(tree, 'opt/gp', name), `${version}\n`)
  const lines = [`Package: ${name}`, `Version: ${version}`, 'Architecture: all', 'Maintainer: t <t@t.example>', more]
  writeFileSync(join(tree, 'DEBIAN/control'), `${lines.filter(Boolean).join('\n')}\nDescription: for a test\n`)
  if (script !== undefined) writeFileSync(join(tree, 'DEBIAN/postinst'), script, { mode: 0o755 })
  const file = `${name}_${version.replace(':', '%3a')}_all.deb`
  await run('dpkg-deb', ['-b', '--root-owner-group', tree, join(root, 'srv/repository', file)])
}

/** dpkg-scanpackages is not on every Debian; the format is short (deb822, sources.list(5)). */
async function index(): Promise<void> {
  const paragraphs = await Promise.all(
    readdirSync(join(root, 'srv/repository'))
      .filter((file) => file.endsWith('.deb'))
      .map(async (file) => {
        const path = join(root, 'srv/repository', file)
        const { stdout: fields } = await run('dpkg-deb', ['-f', path])
        const { stdout: sum } = await run('sha256sum', [path])
        const size = readFileSync(path).length
        return `${fields.trim()}\nFilename: ./${file}\nSize: ${size}\nSHA256: ${sum.split(' ')[0]}\n`
      }),
  )
  writeFileSync(join(root, 'srv/repository/Packages'), paragraphs.join('\n'))
}

function wearing(packages: readonly string[] | null): AgentState {
  const state = on.range.state(on.next(), 0)
  const workloads = state.workloads.map((one) =>
    one.key === key() && packages !== null ? { ...one, packages: [...packages] } : one,
  )
  return { ...state, workloads, confirmWithinMs: 30_000 }
}
const wear = (packages: readonly string[] | null) => on.apply(wearing(packages), 'confirm', 'confirmed')
const refused = async (packages: readonly string[], why: RegExp) => {
  await on.apply(wearing(packages), 'confirm', 'refused')
  assert.match(on.server.last.applied?.why ?? '', why)
}
const there = () =>
  [...readInstalled(root).packages]
    .map(([name, { version, isHeld }]) => `${name} ${version}${isHeld ? ' held' : ''}`)
    .sort()
const apt = (...argv: string[]) => execFileSync('chroot', [root, 'apt-get', '-qq', '-y', ...argv], { stdio: 'pipe' })

test('installed with what they need, pinned, changed, and gone with the persona', { skip }, async () => {
  await wear(['gp-server=1.0', 'gp-tool'])
  assert.deepEqual(there(), ['gp-library 1.0', 'gp-server 1.0 held', 'gp-tool 2:2.0'])
  assert.equal(readFileSync(join(root, 'opt/gp/gp-server'), 'utf8'), '1.0\n')
  await wear(['gp-server=1.1'])
  assert.deepEqual(there(), ['gp-library 1.0', 'gp-server 1.1 held'])
  await wear(null)
  assert.deepEqual(there(), [])
  assert.equal(existsSync(join(root, 'opt/gp')), false)
  assert.deepEqual(readdirSync(join(root, 'var/cache/guise-packages')), ['lock', 'partial'])
  assert.deepEqual(readdirSync(join(on.range.home, 'packages')), [])
})

test('rolled back, an older version is there again that no repository has any more', { skip }, async () => {
  await wear(['gp-server=1.0'])
  await on.apply(wearing(['gp-server=1.1', 'gp-tool']), 'nothing', 'confirming')
  assert.deepEqual(there(), ['gp-library 1.0', 'gp-server 1.1 held', 'gp-tool 2:2.0'])
  const old = join(root, 'srv/repository/gp-server_1.0_all.deb')
  rmSync(old)
  await index()
  const { generation } = on.server.last.applied!
  on.server.send({ type: 'rollback', generation, why: 'for the test' })
  await until('it is back', 20_000, () => (on.server.last.applied?.state as string) === 'rolled-back')
  assert.deepEqual(there(), ['gp-library 1.0', 'gp-server 1.0 held'])
  await build('gp-server', '1.0', 'Depends: gp-library')
  await index()
  await wear(null)
})

test('what was there before stays; what others came to need stays; what somebody removes comes back', {
  skip,
}, async () => {
  apt('update')
  apt('install', 'gp-base=1.0')
  await wear(['gp-tool', 'gp-server'])
  assert.deepEqual(there(), ['gp-base 1.0', 'gp-library 1.0', 'gp-server 1.1', 'gp-tool 2:2.0'])
  apt('purge', 'gp-tool')
  await until('it is repaired', 20_000, () => there().includes('gp-tool 2:2.0'))
  await build('gp-theirs', '1.0', 'Depends: gp-server')
  await index()
  apt('update')
  apt('install', 'gp-theirs')
  await wear(null)
  assert.deepEqual(there(), ['gp-base 1.0', 'gp-library 1.0', 'gp-server 1.1', 'gp-theirs 1.0'])
  apt('purge', '--auto-remove', 'gp-theirs')
  assert.deepEqual(there(), ['gp-base 1.0'])
})

test('refused with the reason: not on the list, changes what is not ours, needs what is not listed, does not exist', {
  skip,
}, async () => {
  const before = there()
  await refused(['gp-unlisted'], /packages\/0: package gp-unlisted is not among those that this host lists/)
  await refused(['gp-library=2.0'], /package gp-library=2\.0 is not among those/)
  await refused(['gp-broken'], /gp-unlisted=1\.0 would be installed, which this host does not list/)
  await refused(['gp-tool=9'], /Version '9' for 'gp-tool' was not found/)
  await refused(['gp-hungry'], /gp-base 1\.0 would become 1\.1, and Guise did not install it/)
  await refused(['gp-absent'], /no repository of this workload has a package gp-absent/)
  assert.deepEqual(there(), before)
})

test('a script of a package cannot leave its root, nor see or signal programs of the host', { skip }, async () => {
  const script = `#!/bin/sh
{ ls -d /proc/[0-9]* | wc -l; kill -0 ${process.pid} 2>&1 && echo reached; mknod /dev/gp b 254 0 2>&1; mount -t tmpfs t /mnt 2>&1; chroot / true 2>&1; } > /gp-said
exit 0
`
  await build('gp-escape', '1.0', '', script)
  await index()
  apt('update')
  await wear(['gp-escape'])
  const said = readFileSync(join(root, 'gp-said'), 'utf8')
  assert.ok(Number(said.split('\n')[0]) < 20, said)
  assert.doesNotMatch(said, /reached/)
  assert.match(said, /mknod: .*not permitted/)
  assert.match(said, /mount: .*(permission denied|must be superuser)/)
  assert.match(said, /chroot: .*not permitted/)
  await wear(null)
})

test('in a container by its runtime, with what the container may do', { skip: skip || needPodman() }, async () => {
  const storage = ['--root', join(folder, 'podman'), '--runroot', join(folder, 'run'), '--tmpdir', join(folder, 'tmp')]
  const podman = (...argv: string[]) =>
    run('podman', [...storage, '--cgroup-manager', 'cgroupfs', '--runtime', 'runc', ...argv], { timeout: 60_000 })
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']
  const namespace = namespaceOf(on.range.plan.prefix, 'wb')
  try {
    const argv = [
      'run',
      '-d',
      ...limits,
      '--network',
      `ns:/run/netns/${namespace}`,
      '--rootfs',
      root,
      '/bin/sleep',
      '600',
    ]
    const id = (await podman(...argv)).stdout.trim()
    const home = join(folder, 'home')
    const spot = { key: `container:${id}`, namespace: `/run/netns/${namespace}`, root }
    await makeReady(spot, ['gp-server=1.1', 'gp-tool'], home, ['gp-server', 'gp-tool', 'gp-library'])
    const ready = readReady(home, spot.key)
    assert.equal(ready?.failed, null)
    const before = there()
    await changePackages(spot, ready.packs, home, 'add and remove')
    assert.deepEqual(there(), [...before, 'gp-library 1.0', 'gp-server 1.1 held', 'gp-tool 2:2.0'].sort())
    assert.deepEqual(capturePackages(spot, home).flaws, [])
    await changePackages(spot, [], home, 'add and remove')
    assert.deepEqual(there(), before)
  } finally {
    await podman('rm', '-f', '-t', '0', '-a')
  }
})
