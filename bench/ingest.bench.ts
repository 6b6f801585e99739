/**
 * `npm run bench -- ingest [--json] [--rounds N] [--flows N]`: flows per CPU-second from the wire (NetFlow v5, v9, IPFIX over
 * UDP) and from files (Zeek TSV, Suricata EVE) to windows, evidence, belief and risk; beside node-netflowv9, which only
 * decodes (v5 and v9), and nfcapd, which only stores. Interleaved A, B, C; medians, and the median of each round's ratio. The
 * first round of each process warms it up and does not count; of files it is told apart (`zeek_cold`, `eve_cold`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Protocol } from './ingest/datagrams.ts'
import { writeEve, writeZeek } from './ingest/logs.ts'
import { calibrate, Range, type Taken } from './ingest/range.ts'
import { aim, percentile, report } from './report.ts'

const PER_SECOND = 800_000
const LOG_ROWS = 400_000
const PROTOCOLS: readonly Protocol[] = ['v5', 'v9', 'ipfix']

const median = (values: readonly number[]) => percentile(values, 50)
const mega = (perSecond: number) => Math.round(perSecond / 1e4) / 100
const to2 = (x: number) => Math.round(x * 100) / 100

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean' },
      rounds: { type: 'string', default: '5' },
      flows: { type: 'string', default: '4000000' },
    },
  })
  const [rounds, flows] = [Number(values.rounds), Number(values.flows)]
  const range = await Range.create()
  const folder = mkdtempSync(join(tmpdir(), 'guise-ingest-'))
  const calibration = [calibrate()]
  try {
    const figures: Record<string, unknown> = {
      place: range.place,
      rounds,
      flows_per_round: flows,
      collectors: range.names,
    }
    const ratios: Record<string, number> = {}
    for (const protocol of PROTOCOLS) {
      const measured = await compare(range, protocol, rounds, flows)
      figures[protocol] = measured
      ratios[protocol] = measured.ratio
      calibration.push(calibrate())
    }
    const loss = await range.send('ours', 'v5', 5 * PER_SECOND, PER_SECOND)
    figures.loss_detail = { ...loss, offered_per_second: Math.round(loss.sent / loss.seconds) }
    figures.loss_at_800k = to4(1 - loss.received / loss.sent)
    const zeek = await readRounds(range, writeZeek(folder, LOG_ROWS), rounds)
    const eve = await readRounds(range, writeEve(folder, LOG_ROWS / 2), rounds)
    calibration.push(calibrate())
    Object.assign(figures, { zeek: zeek.warm, zeek_cold: zeek.cold, eve: eve.warm, eve_cold: eve.cold })
    Object.assign(figures, { calibration: calibration.map((ms) => Math.round(ms)) })
    report(args, 'ingest', figures, {
      v5_ratio: aim(ratios.v5!, '>=', 2),
      v9_ratio: aim(ratios.v9!, '>=', 2),
      ipfix_ratio: aim(ratios.ipfix!, '>=', 2),
      loss_at_800k: aim(figures.loss_at_800k as number, '==', 0),
      eve: aim(eve.warm, '>=', 150_000),
    })
  } finally {
    await range.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const to4 = (x: number) => Math.round(x * 1e4) / 1e4

type Compared = {
  ours: number
  netflowv9: number | null
  nfcapd: number | null
  ratio: number
  [more: string]: unknown
}

/** Flows per CPU-second (millions) of those that arrived. node-netflowv9 knows no IPFIX: ours is set beside its v9. */
async function compare(range: Range, protocol: Protocol, rounds: number, flows: number): Promise<Compared> {
  const taken: Record<string, Taken[]> = { ours: [], netflowv9: [], nfcapd: [] }
  for (let round = -1; round < rounds; round++)
    for (const name of range.names) {
      const spoken = name === 'netflowv9' && protocol === 'ipfix' ? 'v9' : protocol
      const one = await range.send(name, spoken, flows, PER_SECOND)
      // The first round compiles what the others run.
      if (round >= 0) taken[name]!.push(one)
      console.error(
        `${protocol} ${round < 0 ? 'warm-up' : `round ${round + 1}`} ${name.padEnd(9)} ${mega(one.perCpuSecond)} M/cpu-s, received ${to4(one.received / one.sent)}`,
      )
    }
  const of = (name: string) =>
    taken[name]!.length === 0 ? null : mega(median(taken[name]!.map((t) => t.perCpuSecond)))
  const ratioTo = (name: string) => taken[name]!.map((peer, i) => taken.ours![i]!.perCpuSecond / peer.perCpuSecond)
  const share = (name: string) => to4(median(taken[name]!.map((t) => t.received / t.sent)))
  return {
    ours: of('ours')!,
    netflowv9: protocol === 'ipfix' ? null : of('netflowv9'),
    nfcapd: of('nfcapd'),
    ratio: to2(median(ratioTo('netflowv9'))),
    ratio_min: to2(Math.min(...ratioTo('netflowv9'))),
    ratio_max: to2(Math.max(...ratioTo('netflowv9'))),
    ratio_to: protocol === 'ipfix' ? 'node-netflowv9 on v9' : `node-netflowv9 on ${protocol}`,
    received: { ours: share('ours'), netflowv9: share('netflowv9') },
  }
}

/** Lines (events) per CPU-second of a file, from bytes to scores: the first time (`cold`), and of the rounds after it. */
async function readRounds(range: Range, path: string, rounds: number): Promise<{ cold: number; warm: number }> {
  const [cold = 0, ...rates] = await range.read(path, rounds + 1)
  for (const [round, rate] of [cold, ...rates].entries())
    console.error(
      `${path.split('/').at(-1)} ${round === 0 ? 'warm-up' : `round ${round}`} ${Math.round(rate)} lines/cpu-s`,
    )
  return { cold: Math.round(cold), warm: Math.round(median(rates)) }
}
