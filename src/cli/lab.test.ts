import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const PROGRAM = `
  const { Command } = await import('commander')
  const { register } = await import(${JSON.stringify(new URL('lab.ts', import.meta.url).href)})
  const program = new Command()
  register(program)
  await program.parseAsync(process.argv.slice(1), { from: 'user' })
`

function guise(argv: string[], as: { uid?: number; gid?: number } = {}) {
  const root = new URL('../..', import.meta.url).pathname
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PROGRAM, '--', ...argv],
    { cwd: root, encoding: 'utf8', ...as },
  )
  return { status, stdout, stderr }
}

test('a lab that is not there is said in one line of JSON', () => {
  const { status, stdout } = guise(['lab', 'status', '--json', '--dir', '/nonexistent/lab'])
  assert.equal(status, 0)
  assert.deepEqual(JSON.parse(stdout), { state: 'down', dir: '/nonexistent/lab', prefix: null, workloads: [] })
  assert.equal(stdout.trim().split('\n').length, 1)
})

test('what it does not know is refused with what it knows', () => {
  const unknown = guise(['lab', 'attack', 'ddos'])
  assert.equal(unknown.status, 1)
  assert.match(unknown.stderr, /known attacks: scan, beacon, exfil/)
  assert.match(guise(['lab', 'up', '--seed', 'x']).stderr, /whole number/)
})

test('an attack needs root and a lab: one sentence with the cure, nothing on stdout', () => {
  const { status, stdout, stderr } = guise(['lab', 'attack', 'exfil', '--dir', '/nonexistent/lab'])
  assert.equal(status, 1)
  assert.equal(stdout, '')
  assert.match(
    stderr,
    process.getuid?.() === 0 ? /no lab is up\. Run guise lab up first\.$/m : /needs root.*Run it again as root/,
  )
})
