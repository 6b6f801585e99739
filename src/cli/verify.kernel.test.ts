/** `guise verify` against an agent that stands still: each facet that somebody changed is named, the others stay `ok`. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { agentOnRange } from '../../bench/kill/agent-on-range.ts'
import { childrenOf } from '../../bench/kill/range.ts'
import { needRoot } from '../../test/need.ts'
import type { Verification } from '../enforce/verify.ts'

const skip = needRoot()
const on = agentOnRange('y', skip)
const MAIN = join(import.meta.dirname, 'main.ts')

function guiseVerify(...more: string[]): Promise<{ code: number; out: string }> {
  const argv = [MAIN, 'verify', '--home', on.range.home, '--netns', on.range.router, ...more]
  return new Promise((resolve) => {
    execFile(process.execPath, argv, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr }),
    )
  })
}
const facetsOf = ({ workloads }: Verification, i: number) =>
  Object.fromEntries((workloads[i]?.facets ?? []).map(({ facet, ok }) => [facet, ok]))

test('verify compares every facet with the kernel, and names those that differ', { skip }, async () => {
  await on.apply({ ...on.range.state(on.next(), 1), confirmWithinMs: 20_000 }, 'confirm', 'confirmed')
  execFileSync('ip', ['netns', 'exec', on.range.router, 'nft', '-f', '-'], {
    input: 'table inet other { chain theirs { type filter hook forward priority 10; policy accept; }; }\n',
  })
  const { code, out } = await guiseVerify('--json')
  assert.equal(code, 0, out)
  assert.equal(out.indexOf('\n'), out.length - 1)
  const all = { policies: true, network: true, egressAddress: true, publishedPorts: true, bandwidth: true }
  assert.deepEqual(facetsOf(JSON.parse(out) as Verification, 0), { ...all, cpu: true, memory: true })

  const pids = [on.agent.pid!, ...childrenOf(on.agent.pid!)]
  const [face] = on.range.plan.workloads.map(({ name }) => name)
  const links = execFileSync('ip', ['netns', 'exec', on.range.router, 'tc', 'qdisc', 'show']).toString()
  const shaped = /htb \S+ dev (\S+) root/.exec(links)?.[1] ?? face!
  const resolver = `/etc/netns/${on.range.state(1, 1).workloads[1]!.key}/resolv.conf`
  const kept = readFileSync(resolver, 'utf8')
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    execFileSync('ip', ['netns', 'exec', on.range.router, 'tc', 'qdisc', 'del', 'dev', shaped, 'root'])
    writeFileSync(resolver, 'nameserver 192.0.2.53\n')
    const changed = await guiseVerify('--json')
    assert.equal(changed.code, 1)
    const result = JSON.parse(changed.out) as Verification
    assert.equal(result.ok, false)
    assert.equal(facetsOf(result, 1).dns, false)
    assert.equal(facetsOf(result, 1).policies, true)
    assert.ok(
      result.workloads.some(({ facets }) => facets.some(({ facet, ok }) => facet === 'bandwidth' && !ok)),
      changed.out,
    )
    const said = await guiseVerify()
    assert.match(said.out, /DIFFERS {3}dns: holds "nameserver 192\.0\.2\.53", intended is "/)
    assert.match(said.out, /holds something else\.$/m)
    assert.match(said.out, /^beside {2}inet other theirs: forward, priority 10, else accept; not ours, not touched$/m)
  } finally {
    writeFileSync(resolver, kept)
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
})
