/**
 * `npm run bench -- policy [--json] [--rounds N] [--sizes 100,1000,5000] [--seed N]`: how long a policy takes into the
 * kernel, whole and changed, for fleets that share 50 profiles and fleets that share none, beside a table of the same
 * intent with a chain per workload, by `nft -f` and by libnftables. Then 200 packets against the evaluator, in a table
 * that was loaded the same way. Needs root.
 *
 * Where the time goes (perf, 5,000 workloads, 50 profiles): comparing 10,000 rule lists and writing them as text is 80 ms of
 * this program, reading that and writing netlink 30 ms, the kernel 115 ms, 6 µs an element. A third of the kernel's part is
 * telling listeners of each element; it falls away when nobody on the host, in whatever namespace, listens to nf_tables. The
 * worst case is 5,000 profiles with a set each: the kernel finds a set by walking the list of them (nft_set_lookup), so what
 * 200,000 rules ask for grows with the square.
 */
import { execFileSync } from 'node:child_process'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { needRoot } from '../test/need.ts'
import { Network } from './dispatch/network.ts'
import { shootRandom } from './dispatch/shoot.ts'
import { flipsInTurns } from './policy/flips.ts'
import { measureSize, type SizeResult } from './policy/sizes.ts'
import { Loading } from './policy/space.ts'
import { round } from './policy/times.ts'
import { aim, percentile, report } from './report.ts'

const SHARED = 50
const LARGEST = 5_000
/** Rounds after which a change takes no less for being asked again; after 3 the smallest fleet took 1.8 times the largest. */
const WARMING = 12

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      rounds: { type: 'string', default: '5' },
      sizes: { type: 'string', default: '100,1000,5000' },
      seed: { type: 'string', default: '1' },
    },
  })
  const missing = needRoot()
  if (missing !== false) throw new Error(`policy ${missing}`)
  const sizes = values.sizes.split(',').map(Number)
  const rounds = Number(values.rounds)
  const calibration = calibrate()
  const shared: SizeResult[] = []
  const own: SizeResult[] = []
  const space = await Loading.create('p')
  try {
    // Compiles what the others run: the smallest fleet would be the slowest else.
    await measureSize(space, 100, SHARED, WARMING)
    for (const size of sizes) {
      shared.push(await tell(measureSize(space, size, SHARED, size > 1_000 ? Math.min(rounds, 3) : rounds)))
      own.push(await tell(measureSize(space, size, size, 1)))
    }
  } finally {
    await space.close()
  }
  const { packets, mismatches } = await shoot(Number(values.seed))
  const whole = shared.find(({ workloads }) => workloads === LARGEST) ?? shared.at(-1)!
  const worst = own.at(-1)!
  const inTurns = await flipsInTurns(sizes, SHARED)
  const flips = inTurns.map(({ ms }) => ms)
  const flatness = round(Math.max(...flips) / Math.min(...flips))
  report(
    args,
    'policy',
    {
      full_ms: whole.full_ms,
      full_least_ms: whole.full_least_ms,
      flip_ms: whole.flip.ms,
      new_chain_ms: whole.new_chain.ms,
      bulk1000_ms: whole.bulk1000.ms,
      worst_ms: worst.full_ms,
      flip_largest_to_smallest: flatness,
      flip_in_turns: Object.fromEntries(inTurns.map((timing, i) => [sizes[i], timing])),
      probes: packets,
      mismatches,
      naive: whole.naive,
      shared,
      own,
      calibration: { before: calibration, after: calibrate() },
    },
    {
      full_ms: aim(whole.full_ms, '<=', 300),
      flip_ms: aim(whole.flip.ms, '<=', 0.2),
      flip_flat: aim(flatness, '<=', 1.5),
      new_chain_ms: aim(whole.new_chain.ms, '<=', 5),
      bulk1000_ms: aim(whole.bulk1000.ms, '<=', 10),
      probes: aim(packets, '>=', 200),
      mismatches: aim(mismatches, '==', 0),
    },
  )
}

async function tell(measured: Promise<SizeResult>): Promise<SizeResult> {
  const size = await measured
  console.error(`${size.workloads} workloads, ${size.profiles} profiles: ${JSON.stringify(size)}`)
  return size
}

async function shoot(seed: number): Promise<{ packets: number; mismatches: number }> {
  const network = await Network.create('p')
  const loading = Loading.join(network.router)
  try {
    const shots = await shootRandom(network, seed, 10, 20, (text) => loading.load('quickest', text))
    for (const example of shots.examples) console.error(`MISMATCH ${example}`)
    return shots
  } finally {
    await loading.close()
    await network.close()
  }
}

/** What else the machine is doing: a fixed sum, and the start of a program that does nothing. */
function calibrate(): { sum_ms: number; spawn_ms: number; load1: number } {
  const timed = (act: () => void) => {
    const ms = Array.from({ length: 5 }, () => {
      const start = performance.now()
      act()
      return performance.now() - start
    })
    return round(percentile(ms, 50))
  }
  return {
    sum_ms: timed(() => {
      let sum = 0
      for (let i = 0; i < 2e7; i++) sum = (sum + i * 31) | 0
      if (sum === 1) throw new Error('arithmetic failed')
    }),
    spawn_ms: timed(() => execFileSync('true')),
    load1: round(loadavg()[0]!),
  }
}
