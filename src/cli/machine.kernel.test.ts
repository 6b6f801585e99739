/** `guise machine` in a namespace of its own: what it does to real machines, what it refuses, and that each act is written down. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { until } from '../../bench/kill/range.ts'
import { buildGuest, type GuestImage } from '../../guest/build.ts'
import { needQemu, needRoot } from '../../test/need.ts'
import { guestAnswers } from '../enforce/drivers/qemu/guest-agent.ts'
import { socketsOf } from '../enforce/drivers/qemu/machine.ts'

const run = promisify(execFile)
const skip = needRoot() || needQemu()
const namespace = `guisemc${process.pid}`
const MAIN = new URL('./main.ts', import.meta.url).pathname
let home = ''
let image: GuestImage

before(async () => {
  if (skip !== false) return
  home = mkdtempSync(join(tmpdir(), 'guise-machine-cli-'))
  // Only root may write a floor, and its folder.
  writeFileSync(join(home, 'floor.yaml'), 'version: 1\nlimits: { machines: 2, machineMemoryMb: 300 }\n')
  image = await buildGuest()
  execFileSync('ip', ['netns', 'add', namespace])
})
after(async () => {
  if (skip !== false) return
  for (const { name } of (await machine('list')) as { name: string }[]) await machine('destroy', name)
  execFileSync('ip', ['netns', 'del', namespace])
  rmSync(home, { recursive: true, force: true })
})

const guise = (...argv: string[]) =>
  run(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    MAIN,
    'machine',
    ...argv,
    '--netns',
    namespace,
    '--home',
    home,
  ])
const machine = async (...argv: string[]): Promise<unknown> => JSON.parse((await guise(...argv, '--json')).stdout)
const refusal = (...argv: string[]) =>
  guise(...argv).then(
    () => 'accepted',
    (error: { stderr?: string }) => (error.stderr ?? '').trim(),
  )

test('defined, started, copied as it runs, resized, stopped, destroyed; and every act is a line', {
  skip,
}, async () => {
  const boot = ['--kernel', image.kernel, '--initrd', image.initrd, '--append', image.append]
  const made = (await machine('define', 'web', ...boot, '--memory', '128', '--link', 'gmweb')) as { uuid: string }
  assert.match(
    await refusal('define', 'big', ...boot, '--memory', '256', '--link', 'gmbig'),
    /384 MB of memory of 300 MB/,
  )
  assert.match(await refusal('start', 'nobody'), /there is no machine nobody\. See: guise machine list/)
  assert.match(await refusal('define', 'bare', '--link', 'gmbare'), /boots from --disk, or from --kernel and --initrd/)
  const disk = join(home, 'no-such.qcow2')
  assert.match(
    await refusal('define', 'half', '--disk', disk, '--memory', '64', '--link', 'gmhalf'),
    /half is not defined: its disk could not be copied \(ENOENT/,
  )
  assert.deepEqual(
    ((await machine('list')) as { name: string }[]).map(({ name }) => name),
    ['web'],
  )
  await machine('start', 'web')
  await until('it boots', 240_000, () => guestAnswers(socketsOf(made.uuid).agent, 1_000))
  const copy = (await machine('clone', 'web', 'web2', '--link', 'gmweb2', '--connect')) as { uuid: string }
  await until('the copy answers', 30_000, () => guestAnswers(socketsOf(copy.uuid).agent, 1_000))
  assert.match(await refusal('clone', 'web', 'web3', '--link', 'gmweb3'), /machine 3 of 2/)
  const listed = (await machine('list')) as { name: string; state: string }[]
  assert.deepEqual(listed.map(({ name, state }) => `${name} ${state}`).sort(), ['web runs', 'web2 runs'])
  assert.deepEqual(await machine('resize', 'web', '--memory', '96'), { resized: 'web', memory: 'now', cpus: 'same' })
  assert.deepEqual(await machine('stop', 'web', '--now'), { stopped: 'web', how: 'cut' })
  for (const name of ['web', 'web2']) await machine('destroy', name)
  assert.match((await guise('list')).stdout, /There is no machine here/)
  assert.doesNotMatch(execFileSync('ip', ['-n', namespace, '-br', 'link']).toString(), /gmweb/)
  const log = (await machine('log')) as { act: string; machine: string; outcome: string; by: string }[]
  assert.deepEqual(
    log.map(({ act, machine: of, outcome }) => `${act} ${of} ${outcome}`),
    [
      ...['define web done', 'define big refused', 'define half done', 'destroy half done'],
      ...['start web done', 'clone web done', 'connect web2 done', 'clone web refused'],
      ...['resize web done', 'stop web done', 'destroy web done', 'destroy web2 done'],
    ],
  )
  assert.ok(log.every(({ by }) => by !== ''))
})
