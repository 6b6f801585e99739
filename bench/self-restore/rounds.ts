/**
 * One round on one host: a persona that cuts its workloads off from everything is pushed, the control plane goes off, and
 * something happens to the agent. In: a host that wears a confirmed persona. Out, for each workload: is the whole host what
 * it was, byte for byte once normalised, do its gateway, resolver and control plane answer again, and when was that.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../kill/range.ts'
import type { Host } from './host.ts'
import { isCutOff, isWhole, type Reach, reachOf } from './reach.ts'

export type Happening =
  /** The control plane goes off while the change is being made: its ack is missing. */
  | 'no-ack'
  /** It goes off after it heard that the change waits for it. */
  | 'never-confirmed'
  | 'worker-killed'
  | 'worker-and-supervisor-killed'
  /** The power goes while the change waits. */
  | 'reboot'
export const HAPPENINGS: readonly Happening[] = [
  'no-ack',
  'never-confirmed',
  'worker-killed',
  'worker-and-supervisor-killed',
  'reboot',
]

export type Restored = {
  readonly key: string
  /** Everything is as it was, in time. */
  readonly ok: boolean
  /** From the push, or from the power coming back. */
  readonly ms: number
  /** What is wrong, for people. */
  readonly why: string
}

/** Beyond the timer, a restore has not happened at all. */
const GIVE_UP_MS = 60_000
const ASK_MS = 10_000

export async function round(host: Host, happening: Happening, withinMs: number): Promise<Restored[]> {
  const golden = await host.capture()
  const server = await host.serverOn()
  server.whenConfirming = 'nothing'
  let began = performance.now()
  const state = host.state('cuts', withinMs)
  server.send({ type: 'state', state })
  if (happening === 'no-ack') await until('the change has begun', 20_000, () => isPending(host))
  else
    await until('the change waits', withinMs, () => {
      const { applied } = server.last
      return applied?.generation.n === state.generation.n && (applied.state as string) === 'confirming'
    })
  await host.serverOff()
  const cut = happening === 'no-ack' ? [] : await reaches(host)
  if (!isPending(host) && cut.length > 0)
    throw new Error(`it was over before everybody was asked; withinMs ${withinMs}`)
  if (happening === 'worker-killed') await host.kill('worker')
  if (happening === 'worker-and-supervisor-killed') await host.kill('worker-and-supervisor')
  if (happening === 'reboot') began = await host.reboot()
  const back = await whenBack(host, golden)
  let after = await reaches(host)
  // A question may be lost on a busy machine; what is cut off stays cut off.
  for (const end = performance.now() + ASK_MS; !after.every(isWhole) && performance.now() < end; )
    after = await reaches(host)
  return host.network.spots.map(({ key }, i) => {
    const faults = [
      ...(cut[i] === undefined || isCutOff(cut[i]) ? [] : [`it was not cut off: ${told(cut[i])}`]),
      ...(back.isSame ? [] : ['the host is not what it was']),
      ...(isWhole(after[i]!) ? [] : [`it is still cut off: ${told(after[i]!)}`]),
      ...(back.at - began <= withinMs ? [] : [`it took longer than the ${withinMs} ms of its timer`]),
    ]
    return { key, ok: faults.length === 0, ms: back.at - began, why: faults.join('; ') }
  })
}

const isPending = (host: Host) => existsSync(join(host.home, 'journal', 'intent.json'))
const reaches = (host: Host) => Promise.all(host.network.spots.map(({ key }) => reachOf(key)))
const told = (reach: Reach) => JSON.stringify(reach)

/** The agent says that it is done by clearing its journal; what counts is that the kernel agrees. */
async function whenBack(host: Host, golden: string): Promise<{ readonly at: number; readonly isSame: boolean }> {
  await until('the journal is clear', GIVE_UP_MS, () => !isPending(host)).catch(() => {})
  const at = performance.now()
  let isFirst = true
  let isSame = false
  await until('the host is what it was', GIVE_UP_MS, async () => {
    isSame = (await host.capture()) === golden
    if (!isSame) isFirst = false
    return isSame
  }).catch(() => {})
  return { at: isFirst ? at : performance.now(), isSame }
}
