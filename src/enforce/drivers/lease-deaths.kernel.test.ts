/** Whoever is killed while a guest is told something else: whoever comes next leaves the right server, told the right thing. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { needDnsmasq, needRoot } from '../../../test/need.ts'
import { forgetLease, tell, toldOn } from './leases.ts'

const execute = promisify(execFile)
const skip = needRoot() || needDnsmasq()
const name = `guisele${process.pid.toString(36)}`
const face = `gl${process.pid.toString(36)}`
const dir = mkdtempSync(join(tmpdir(), 'guise-lease-'))
const faults = join(dir, 'faults')
const within = (program: string, argv: readonly string[]) =>
  execute('ip', ['netns', 'exec', name, program, ...argv]).then(() => {})
const lease = (i: number) => ({ lease: { address: `10.0.0.${i}/24`, gateway: '10.0.0.1', mtu: null } })
const inFolder = (file: string) => readFileSync(`/run/guise/leases/${face}/${file}`, 'utf8')
const server = () => Number(inFolder('pid'))

before(async () => {
  if (skip !== false) return
  await execute('ip', ['netns', 'add', name])
  await within('ip', ['link', 'add', face, 'type', 'veth', 'peer', 'name', 'guest'])
  await within('ip', ['addr', 'add', '10.0.0.1/24', 'dev', face])
  await within('ip', ['link', 'set', face, 'up'])
})
after(async () => {
  if (skip === false) {
    await forgetLease(face)
    await execute('ip', ['netns', 'del', name])
  }
  rmSync(dir, { recursive: true, force: true })
})

/** A process of its own tells it, and is killed at `point`. */
async function dieAt(point: string, changes: object): Promise<void> {
  writeFileSync(faults, `worker:started>${point}`)
  const code = `import { execFileSync } from 'node:child_process'
    const { tell } = await import(${JSON.stringify(new URL('leases.ts', import.meta.url).href)})
    const run = async (program, argv) => execFileSync('ip', ['netns', 'exec', '${name}', program, ...argv])
    await tell('${face}', ${JSON.stringify(changes)}, run)`
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], {
    env: { ...process.env, GUISE_FAULT: faults },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', `it passes ${point}`)
}

const POINTS = [
  ...['lease mkdir#1/after', 'lease end#1/before', 'lease end#1/after', 'lease rename#1/before'],
  ...['lease rename#1/after', 'lease rename#2/before', 'lease rename#2/after', 'lease start#1/after'],
]

test('a death anywhere in between leaves no server that tells what was told before', { skip }, async () => {
  for (const [i, point] of POINTS.entries()) {
    const [first, second] = [lease(10 + 2 * i), lease(11 + 2 * i)]
    await tell(face, first, within)
    const told = server()
    await dieAt(point, second)
    // As a recovery or a repair does: what stands already is left alone.
    if (JSON.stringify(toldOn(face).lease) !== JSON.stringify(second.lease)) await tell(face, second, within)
    assert.deepEqual(toldOn(face), { ...second, naming: null }, point)
    assert.notEqual(server(), told, `${point}: the old server is gone`)
    assert.match(inFolder('dnsmasq.conf'), new RegExp(`^dhcp-range=10\\.0\\.0\\.${11 + 2 * i},`, 'm'), point)
  }
})
