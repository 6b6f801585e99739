import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { needRoot } from '../../test/need.ts'

/** One namespace with a table that refuses a port on its own loopback; the tracer runs inside as a child. */
const skip = needRoot()
const name = `guiseT${process.pid % 100_000}`
const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe', encoding: 'utf8' })
const inside = (...argv: string[]) => ip('netns', 'exec', name, ...argv)

before(() => {
  if (skip !== false) return
  ip('netns', 'add', name)
  ip('-n', name, 'link', 'set', 'lo', 'up')
  execFileSync('ip', ['netns', 'exec', name, 'nft', '-f', '-'], {
    input:
      'table inet guise {\n chain d_1 {\n counter drop comment "why/1"\n }\n chain c {\n type filter hook input priority 0\n tcp dport 81 goto d_1 comment "why/1"\n }\n}\n',
  })
})
after(() => {
  if (skip === false) ip('netns', 'del', name)
})

const CHILD = `
import { connect } from 'node:net'
import { traceFlow } from '${import.meta.dirname}/trace.ts'
const stop = new AbortController()
const lines = []
const knock = setInterval(() => connect({ host: process.argv[1], port: 81 }).on('error', () => {}).setTimeout(200, function () { this.destroy() }), 250)
await traceFlow({ from: process.argv[1], to: process.argv[1], protocol: 'tcp', port: 81 }, 5, stop.signal, (line) => {
  lines.push(line)
  if (line.kind === 'rule' && line.verdict === 'drop') stop.abort()
})
clearInterval(knock)
console.log(JSON.stringify(lines))
process.exit(0)
`

for (const address of ['127.0.0.1', '::1']) {
  test(`a refused connection over ${address}: its rules are seen, and the mark is gone afterwards`, {
    skip,
    timeout: 20_000,
  }, () => {
    const { stdout, stderr } = spawnSync(
      'ip',
      ['netns', 'exec', name, process.execPath, '--input-type=module', '-e', CHILD, address],
      { encoding: 'utf8', timeout: 15_000 },
    )
    const lines = JSON.parse(stdout || '[]') as { kind: string; comment?: string; verdict?: string; source?: string }[]
    assert.ok(
      lines.some((line) => line.comment === 'why/1' && line.verdict === 'drop'),
      `${stdout} ${stderr}`,
    )
    assert.ok(lines.some((line) => line.kind === 'packet' && line.source?.includes(address)))
    assert.equal(inside('nft', 'list', 'tables').includes('guise_trace'), false)
  })
}

test('a tracer that was killed leaves a table that matches nothing and goes with the next one', {
  skip,
  timeout: 20_000,
}, () => {
  execFileSync('ip', ['netns', 'exec', name, 'nft', 'add', 'table', 'inet', 'guise_trace_4194304'])
  spawnSync('ip', ['netns', 'exec', name, process.execPath, '--input-type=module', '-e', CHILD, '127.0.0.1'], {
    timeout: 15_000,
  })
  assert.equal(inside('nft', 'list', 'tables').includes('guise_trace'), false)
})
