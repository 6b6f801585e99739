/**
 * What a shift costs whoever is at work meanwhile. Three namespaces with streams of numbered messages both ways, TCP and UDP,
 * IPv4 and IPv6; one of them shifts between two personas by the agent's own enforcer, journal and all, each shift
 * confirmed. What both personas permit must lose nothing; what the new one denies must stop, both ways, as soon as the kernel
 * has said that it has the rules. Apart from that, changes of address: the old one stays for who uses it. `--shifts N` makes a short run, `--facets rules` shifts rules alone.
 */
import { aim, report } from './report.ts'
import { changeAddresses } from './shift/address.ts'
import { runSeries } from './shift/series.ts'

const SHIFTS = 1_000
/** Long enough for each stream to try itself some times against the rules that came. */
const DWELL_MS = 25
const ADDRESS_CHANGES = 10
/** Longer than the agent takes to look again. */
const ADDRESS_DWELL_MS = 1_000

export async function run(args: readonly string[]): Promise<void> {
  const option = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const leaving = new AbortController()
  process.on('SIGTERM', () => leaving.abort(new Error('stopped by SIGTERM')))
  const facets = option('--facets') === 'rules' ? 'rules' : 'whole'
  const shifts = Number(option('--shifts') ?? SHIFTS)
  const same = await runSeries('s', shifts, { facets, address: 'same' }, DWELL_MS, leaving.signal)
  const address_change = await changeAddresses('sa', ADDRESS_CHANGES, ADDRESS_DWELL_MS)
  const { lost, losses, passedDenied, mostPassedDenied, sent, denied, ...rest } = same
  const figures = {
    ...rest,
    facets,
    messages: sent,
    lost_packets: lost,
    losses,
    denied_tried: denied,
    denied_passed: passedDenied,
    denied_passed_most: mostPassedDenied,
    address_change,
  }
  const aims = {
    shifts: aim(shifts, '>=', SHIFTS),
    lost_packets: aim(lost, '==', 0),
    broken: aim(same.broken, '==', 0),
    // Of what was never tried, none could pass.
    denied_tried: aim(denied, '>=', shifts),
    denied_passed_most: aim(mostPassedDenied, '<=', 1),
    switch_p50_ms: aim(same.switch_p50_ms, '<=', 50),
    address_lost_packets: aim(address_change.lost_packets + address_change.broken, '==', 0),
    address_new_source: aim(address_change.new_source, '==', address_change.changes),
    address_drained: aim(address_change.drained, '==', address_change.changes),
  }
  for (const { stream, n, after_ms, before_ms, sending_ms } of losses)
    process.stderr.write(
      `lost: ${n} of ${stream}, ${after_ms} ms after a shift, ${before_ms} before the next; given to the kernel within ${sending_ms} ms\n`,
    )
  report(args, 'shift', figures, aims)
  if (Object.entries(aims).some(([name, { met }]) => !met && !['shifts', 'switch_p50_ms'].includes(name)))
    process.exitCode = 1
}
