/**
 * What a shift costs whoever is at work meanwhile. Three namespaces with streams of numbered messages both ways, TCP and UDP,
 * IPv4 and IPv6; one of them shifts between two personas by the agent's own enforcer, journal and all, each shift
 * confirmed. What both personas permit must lose nothing; what the new one denies must stop, both ways, as soon as the kernel
 * has said that it has the rules. `--shifts N` makes a short run, `--facets rules` shifts rules alone.
 */
import { aim, report } from './report.ts'
import { runSeries } from './shift/series.ts'

const SHIFTS = 1_000
/** Long enough for each stream to try itself some times against the rules that came. */
const DWELL_MS = 25

export async function run(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const leaving = new AbortController()
  process.on('SIGTERM', () => leaving.abort(new Error('stopped by SIGTERM')))
  const facets = option('--facets') === 'rules' ? 'rules' : 'whole'
  const shifts = Number(option('--shifts') ?? SHIFTS)
  const same = await runSeries('s', shifts, { facets, address: 'same' }, DWELL_MS, leaving.signal)
  const { lost, passedDenied, mostPassedDenied, sent, denied, ...rest } = same
  const figures = {
    ...rest,
    facets,
    messages: sent,
    lost_packets: lost,
    denied_tried: denied,
    denied_passed: passedDenied,
    denied_passed_most: mostPassedDenied,
  }
  const aims = {
    shifts: aim(shifts, '>=', SHIFTS),
    lost_packets: aim(lost, '==', 0),
    broken: aim(same.broken, '==', 0),
    denied_passed_most: aim(mostPassedDenied, '<=', 1),
    switch_p50_ms: aim(same.switch_p50_ms, '<=', 50),
  }
  report(args, 'shift', figures, aims)
  if (lost + same.broken > 0 || mostPassedDenied > 1) process.exitCode = 1
}
