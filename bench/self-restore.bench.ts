/**
 * A persona that cuts its workloads off from gateway, resolver and control plane is pushed, and the control plane goes off:
 * every workload must be back, exactly, within the timer, by what is on its host alone. Once for each thing that may happen
 * meanwhile: the ack is missing, nobody confirms, the agent is killed, the host boots. The other way round (`sabotage`), a
 * workload in quarantine breaks all that it can inside: it must stay where it is. At the end an emulated host that runs the
 * agent is reset for real, which takes six minutes: `--guests N` of them, one after the other. `--agents N --workloads N` (of
 * each), `--happenings a,b` and `--guests 0` make a short run. `--without-base` leaves the rules before the network out of
 * the guest, which must fail: the judge can see that somebody was let in.
 */
import { aim, percentile, report } from './report.ts'
import { type RealReboot, realReboot } from './self-restore/guest-host.ts'
import { type Host, makeHost } from './self-restore/host.ts'
import { HAPPENINGS, type Happening, type Restored, round } from './self-restore/rounds.ts'
import { sabotage } from './self-restore/sabotage.ts'

/** The floor allows up to an hour, and a person gets 30 s or more: this is short. */
const WITHIN_MS = 30_000
const CHOICES = [...HAPPENINGS, 'sabotage'] as const
/** So long a quarantine is watched while everything inside is broken. */
const WATCH_MS = 3_000

export async function run(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const count = (name: string, otherwise: number) => {
    const given = option(name) ?? String(otherwise)
    if (!/^\d{1,7}$/.test(given)) throw new Error(`${name} ${given}: give a whole number`)
    return Number(given)
  }
  const [agents, workloads] = [count('--agents', 10), count('--workloads', 10)]
  const guests = count('--guests', 1)
  const withinMs = count('--within-ms', WITHIN_MS)
  const chosen = (option('--happenings') ?? CHOICES.join(',')).split(',')
  const wrong = chosen.find((name) => !(CHOICES as readonly string[]).includes(name))
  if (wrong !== undefined) throw new Error(`--happenings ${wrong}: choose of ${CHOICES.join(',')}`)
  const { rounds, quarantined } = await inNamespaces(
    agents,
    workloads,
    CHOICES.filter((name) => chosen.includes(name)),
    withinMs,
  )
  const hosts = agents * workloads
  const all = rounds.flatMap(({ restored }) => restored)
  const bad = new Set(all.filter(({ ok }) => !ok).map(({ key }) => key))
  const real = await resetGuests(guests, args.includes('--without-base') ? ['guise-base.service'] : [])
  const slowest = (of: (one: RealReboot) => number) => Math.round(Math.max(...real.map(of)))
  const boots = rounds.find(({ happening }) => happening === 'reboot')?.restored ?? []
  const figures = {
    hosts,
    restored: hosts - bad.size,
    reboots: boots.length + real.length,
    reboots_restored: boots.filter(({ ok }) => ok).length + real.filter(({ faults }) => faults.length === 0).length,
    real_reboots: real.length,
    ...(real.length === 0
      ? {}
      : { real_boot_ms: slowest((one) => one.bootMs), real_restore_ms: slowest((one) => one.restoreMs) }),
    sabotaged: quarantined.length,
    stayed_contained: quarantined.filter((faults) => faults.length === 0).length,
    agents,
    within_ms: withinMs,
    ...timesOf(all),
    by_happening: Object.fromEntries(rounds.map(({ happening, restored }) => [happening, summaryOf(restored)])),
  }
  const aims = {
    restored: aim(figures.restored, '==', hosts),
    reboots_restored: aim(figures.reboots_restored, '==', figures.reboots),
    max_restore_ms: aim(figures.max_restore_ms, '<=', withinMs),
    stayed_contained: aim(figures.stayed_contained, '==', figures.sabotaged),
  }
  report(args, 'self-restore', figures, aims)
  if (Object.values(aims).some(({ met }) => !met)) process.exitCode = 1
}

async function resetGuests(count: number, without: readonly string[]): Promise<RealReboot[]> {
  const done: RealReboot[] = []
  while (done.length < count) {
    const one = await realReboot((line) => void process.stderr.write(`guest: ${line}\n`), without)
    for (const fault of one.faults) process.stderr.write(`NOT RESTORED guest: ${fault}\n`)
    done.push(one)
  }
  return done
}

type Round = { readonly happening: Happening; readonly restored: Restored[] }

/** Two at a time: hosts that share two processors with many others would measure those. */
const AT_ONCE = 2

async function inNamespaces(
  agents: number,
  workloads: number,
  chosen: readonly (typeof CHOICES)[number][],
  withinMs: number,
): Promise<{ readonly rounds: readonly Round[]; readonly quarantined: readonly (readonly string[])[] }> {
  const rounds: Round[] = chosen.filter((name) => name !== 'sabotage').map((happening) => ({ happening, restored: [] }))
  const quarantined: string[][] = []
  const leaving = new AbortController()
  const leave = () => leaving.abort(new Error('stopped by a signal'))
  process.once('SIGTERM', leave)
  process.once('SIGINT', leave)
  let next = 0
  const walk = async () => {
    for (let n = next++; n < agents; n = next++) {
      leaving.signal.throwIfAborted()
      const host = await makeHost(`s${n.toString(36)}`, workloads)
      try {
        await host.wear('works')
        for (const { happening, restored } of rounds) {
          leaving.signal.throwIfAborted()
          const done = await round(host, happening, withinMs)
          restored.push(...done)
          say(n, happening, done)
        }
        // Last: who was in quarantine wears nothing that another round could compare with.
        if (chosen.includes('sabotage')) quarantined.push(await quarantine(host, n))
      } finally {
        await host.remove()
      }
    }
  }
  const walks = await Promise.allSettled(Array.from({ length: AT_ONCE }, walk))
  for (const one of walks) if (one.status === 'rejected') throw one.reason
  return { rounds, quarantined }
}

/** What of it did not hold. */
async function quarantine(host: Host, n: number): Promise<string[]> {
  const faults = await sabotage(host, WATCH_MS)
  process.stderr.write(`host ${n} ${'sabotage'.padEnd(30)} ${faults.length === 0 ? 'stayed contained' : 'GOT OUT'}\n`)
  for (const fault of faults) process.stderr.write(`NOT CONTAINED host ${n}: ${fault}\n`)
  return faults
}

function say(n: number, happening: Happening, restored: readonly Restored[]): void {
  const { restored: whole, of, max_restore_ms } = summaryOf(restored)
  process.stderr.write(`host ${n} ${happening.padEnd(30)} ${whole} of ${of} restored in ${max_restore_ms} ms\n`)
  for (const { key, why } of restored.filter(({ ok }) => !ok)) process.stderr.write(`NOT RESTORED ${key}: ${why}\n`)
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
