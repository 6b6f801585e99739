/**
 * A workload in quarantine does all that it can do inside its own namespace to make the host believe that the quarantine
 * broke it: link down, routes gone, addresses gone, resolver of its own, pings refused; the control plane is off. Out: what
 * of the quarantine did not hold, one sentence each.
 */
import { execFileSync } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { run } from '../../lab/namespace.ts'
import { readBack } from '../../src/compile/parse.ts'
import { until } from '../kill/range.ts'
import type { Host } from './host.ts'
import { addressesOf, BEYOND } from './network.ts'

/** Each an argv inside the namespace. */
const SABOTAGE = [
  ['sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1'],
  ['sysctl', '-qw', 'net.ipv6.icmp.echo_ignore_all=1'],
  ['ip', 'route', 'del', 'default'],
  ['ip', '-6', 'route', 'del', 'default'],
  ['ip', 'addr', 'flush', 'dev', 'eth0'],
  ['ip', 'link', 'set', 'eth0', 'arp', 'off'],
  ['ip', 'link', 'set', 'eth0', 'down'],
] as const

/** `watchMs`: how long it is watched while everything is broken. */
export async function sabotage(host: Host, watchMs: number): Promise<string[]> {
  const [spot] = host.network.spots
  const server = await host.serverOn()
  server.whenConfirming = 'nothing'
  const state = host.state('works', 2_000)
  const ends = Date.now() + 600_000
  const why = { rule: 'quarantine', text: 'it called a listed address' }
  const [first, ...rest] = state.workloads
  const contained = { ...first!, containment: { directions: 'both' as const, until: ends, why } }
  // Its probes are asked while it does what it can against them.
  const broken = breakIt(spot!.key)
  server.send({ type: 'state', state: { ...state, workloads: [contained, ...rest] } })
  await broken
  const faults: string[] = []
  await until('the quarantine is in the kernel', 20_000, async () => (await holds(host, spot!.face)) === true)
  await host.serverOff()
  const end = performance.now() + watchMs
  while (performance.now() < end) {
    await breakIt(spot!.key)
    if (!(await holds(host, spot!.face))) faults.push('its containment left the kernel')
    await wait(200)
  }
  const on = await host.serverOn()
  await until('a report', 20_000, () => on.last.applied?.generation.n === state.generation.n).catch(() => {
    faults.push('the generation with the quarantine is not the one in force')
  })
  if ((on.last.applied?.state as string | undefined) !== 'confirmed')
    faults.push(`the quarantine is ${String(on.last.applied?.state)}, not confirmed: ${on.last.applied?.why ?? ''}`)
  await mend(spot!.key, spot!.n)
  if (await answers(spot!.key)) faults.push('mended, it reaches who is beyond')
  return [...new Set(faults)]
}

async function breakIt(key: string): Promise<void> {
  // What is broken already cannot be broken again.
  for (const argv of SABOTAGE) await run('ip', ['netns', 'exec', key, ...argv]).catch(() => {})
}

/** It wants to talk again, with everything it had. */
async function mend(key: string, n: number): Promise<void> {
  const inside = (...argv: string[]) => run('ip', ['-n', key, ...argv])
  await inside('link', 'set', 'eth0', 'arp', 'on', 'up')
  for (const address of addressesOf(n, 5)) await inside('addr', 'replace', address, 'dev', 'eth0')
  await inside('route', 'replace', 'default', 'via', `10.78.${n}.1`, 'src', `10.78.${n}.5`)
}

async function answers(key: string): Promise<boolean> {
  return run('ip', ['netns', 'exec', key, 'ping', '-nqc2', '-i0.2', '-W1', BEYOND]).then(
    () => true,
    () => false,
  )
}

async function holds({ network }: Host, face: string): Promise<boolean> {
  const argv = ['netns', 'exec', network.router, 'nft', '-j', 'list', 'table', 'inet', 'guise']
  const found = readBack(JSON.parse(execFileSync('ip', argv, { stdio: 'pipe' }).toString()))
  const element = JSON.stringify(face)
  return found?.contained.eg_contain.has(element) === true && found.contained.in_contain.has(element)
}
