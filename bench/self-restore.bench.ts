/**
 * A persona that cuts its workloads off from gateway, resolver and control plane is pushed, and the control plane goes off:
 * every workload must be back, exactly, within the timer, by what is on its host alone. Once for each thing that may happen
 * meanwhile: the ack is missing, nobody confirms, the agent is killed, the host boots. Then one emulated host is reset for
 * real. `--agents N --workloads N` (of each), `--happenings a,b` and `--reboot none` make a short run.
 */
import { aim, percentile, report } from './report.ts'
import { type Host, makeHost } from './self-restore/host.ts'
import { HAPPENINGS, type Happening, type Restored, round } from './self-restore/rounds.ts'

/** The floor allows up to an hour, and a person gets 30 s or more: this is short. */
const WITHIN_MS = 60_000

export async function run(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const [agents, workloads] = [Number(option('--agents') ?? 4), Number(option('--workloads') ?? 25)]
  const withinMs = Number(option('--within-ms') ?? WITHIN_MS)
  const chosen = (option('--happenings') ?? HAPPENINGS.join(',')).split(',')
  const wrong = chosen.find((name) => !(HAPPENINGS as readonly string[]).includes(name))
  if (wrong !== undefined) throw new Error(`--happenings ${wrong}: choose of ${HAPPENINGS.join(',')}`)
  const rounds = await inNamespaces(
    agents,
    workloads,
    HAPPENINGS.filter((name) => chosen.includes(name)),
    withinMs,
  )
  const hosts = agents * workloads
  const all = rounds.flatMap(({ restored }) => restored)
  const bad = new Set(all.filter(({ ok }) => !ok).map(({ key }) => key))
  const boots = rounds.find(({ happening }) => happening === 'reboot')?.restored ?? []
  const figures = {
    hosts,
    restored: hosts - bad.size,
    reboots: boots.length,
    reboots_restored: boots.filter(({ ok }) => ok).length,
    agents,
    within_ms: withinMs,
    ...timesOf(all),
    by_happening: Object.fromEntries(rounds.map(({ happening, restored }) => [happening, summaryOf(restored)])),
  }
  const aims = {
    restored: aim(figures.restored, '==', hosts),
    reboots_restored: aim(figures.reboots_restored, '==', figures.reboots),
    max_restore_ms: aim(figures.max_restore_ms, '<=', withinMs),
  }
  report(args, 'self-restore', figures, aims)
  if (Object.values(aims).some(({ met }) => !met)) process.exitCode = 1
}

type Round = { readonly happening: Happening; readonly restored: readonly Restored[] }

async function inNamespaces(
  agents: number,
  workloads: number,
  happenings: readonly Happening[],
  withinMs: number,
): Promise<Round[]> {
  const hosts: Host[] = []
  const leaving = new AbortController()
  const leave = () => leaving.abort(new Error('stopped by a signal'))
  process.once('SIGTERM', leave)
  process.once('SIGINT', leave)
  try {
    for (let i = 0; i < agents && !leaving.signal.aborted; i++)
      hosts.push(await makeHost(`s${i.toString(36)}`, workloads))
    await Promise.all(hosts.map((host) => host.wear('works')))
    const rounds: Round[] = []
    for (const happening of happenings) {
      leaving.signal.throwIfAborted()
      const restored = (await Promise.all(hosts.map((host) => round(host, happening, withinMs)))).flat()
      rounds.push({ happening, restored })
      const { restored: whole, of, p99_restore_ms } = summaryOf(restored)
      process.stderr.write(`${happening.padEnd(32)} ${whole} of ${of} restored, p99 ${p99_restore_ms} ms\n`)
      for (const { key, why } of restored.filter(({ ok }) => !ok)) process.stderr.write(`NOT RESTORED ${key}: ${why}\n`)
    }
    return rounds
  } finally {
    await Promise.all(hosts.map((host) => host.remove()))
  }
}

function summaryOf(restored: readonly Restored[]) {
  return { of: restored.length, restored: restored.filter(({ ok }) => ok).length, ...timesOf(restored) }
}

function timesOf(restored: readonly Restored[]) {
  const times = restored.map(({ ms }) => ms)
  return {
    p50_restore_ms: Math.round(percentile(times, 50)),
    p99_restore_ms: Math.round(percentile(times, 99)),
    max_restore_ms: Math.round(Math.max(0, ...times)),
  }
}
