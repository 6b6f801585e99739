/** `guise observe PATH…`: reads recorded traffic and says who is who, and who is at risk, with reasons. Changes nothing. */
import { type Command, InvalidArgumentError } from 'commander'
import { createIndicatorIndex, type IndicatorEntry } from '../assess/indicators.ts'
import { parseCidr } from '../model/address.ts'
import { plainText } from '../model/plain-text.ts'
import { readList } from '../observe/feeds/local-list.ts'
import { tellRefusal } from './client.ts'
import { type Observation, observe } from './observe-run.ts'
import { parseListen, readCsvMap, type Wanted, WantedError } from './observe-sources.ts'
import { observedTable, tellLines } from './observe-text.ts'

type Options = {
  readonly json?: true
  readonly homeNetwork: string[]
  readonly feed: string[]
  readonly csvMap?: string
  readonly listen: string[]
  readonly exporter: string[]
  readonly follow?: true
  readonly for?: string
}

const say = (line: string) => process.stderr.write(`${line}\n`)

export function register(program: Command): void {
  program
    .command('observe')
    .description(
      'read traffic, recorded or as it comes, and say who is who: pcap, pcapng, nfdump, Zeek and Suricata EVE logs, binetflow and other CSV, plain or gzip, in any mix; NetFlow and IPFIX with --listen',
    )
    .argument('[path...]', 'files or folders')
    .option('--json', 'one line of JSON on stdout')
    .option('--home-network <cidr>', 'a network of yours; may be given again (default: the private ranges)', cidrs, [])
    .option('--feed <file>', 'a block-list: one address or CIDR a line, optional score; may be given again', append, [])
    .option('--csv-map <map>', 'columns of CSV files: start=COLUMN,source=COLUMN,… or a YAML file of field: column')
    .option('--listen <place>', 'NetFlow v5, v9 and IPFIX as they come: netflow=ADDRESS:PORT', append, [])
    .option('--exporter <cidr>', 'who may send to --listen (default: this machine); may be given again', cidrs, [])
    .option('--follow', 'read Zeek and EVE logs as they grow, from now on')
    .option('--for <seconds>', 'with --listen or --follow: stop after so long (default: at Ctrl-C)')
    .action((paths: string[], options: Options) => observeCommand(paths, options))
}

function cidrs(value: string, before: string[]): string[] {
  const given = value.split(',')
  const wrong = given.find((text) => parseCidr(text) === null)
  if (wrong !== undefined)
    throw new InvalidArgumentError(`${plainText(wrong, 60)} is not a CIDR with zero host bits, such as 10.0.0.0/8.`)
  return [...before, ...given]
}

const append = (value: string, before: string[]): string[] => [...before, value]

async function observeCommand(paths: readonly string[], options: Options): Promise<void> {
  const began = performance.now()
  const abort = new AbortController()
  const stop = () => abort.abort()
  let timer: NodeJS.Timeout | null = null
  let toldAt = began
  try {
    const wanted = wantedOf(paths, options)
    const isLive = options.listen.length > 0 || options.follow === true
    process.once('SIGINT', stop)
    if (options.for !== undefined) timer = setTimeout(stop, Number(options.for) * 1_000)
    const observation = await observe({
      paths,
      wanted,
      homeNetworks: options.homeNetwork,
      indicators: createIndicatorIndex(await readFeeds(options.feed)),
      signal: abort.signal,
      opened: (notes) => {
        for (const note of notes) say(note)
        if (isLive && options.for === undefined) say('Ctrl-C ends it and says what was found')
      },
      progress: (flows, eventTime, share) => {
        if (performance.now() - toldAt < 1_000) return
        toldAt = performance.now()
        const rate = Math.round((flows / (toldAt - began)) * 1_000)
        const done = share === null ? '' : `${Math.floor(share * 100)} %, `
        const at = Number.isFinite(eventTime) ? `, at ${new Date(eventTime).toISOString()}` : ''
        say(`${done}${flows} flows, ${rate} flows/s${at}`)
      },
    })
    const seconds = (performance.now() - began) / 1_000
    const ending = abort.signal.aborted && !isLive ? 'stopped' : 'complete'
    for (const line of tellLines(observation, seconds, ending)) say(line)
    if (options.json) process.stdout.write(`${JSON.stringify(toJson(observation, seconds))}\n`)
    else if (observation.files > 0) process.stdout.write(`${observedTable(observation)}\n`)
    if (observation.files === 0) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof FeedError || error instanceof WantedError)) throw error
    tellRefusal(options.json === true, error.message)
    process.exitCode = 1
  } finally {
    process.removeListener('SIGINT', stop)
    if (timer !== null) clearTimeout(timer)
  }
}

function wantedOf(paths: readonly string[], options: Options): Partial<Wanted> {
  if (paths.length === 0 && options.listen.length === 0)
    throw new WantedError('There is nothing to read. Give files or folders, or --listen netflow=ADDRESS:PORT.')
  if (options.for !== undefined && !(Number(options.for) > 0))
    throw new WantedError(`--for ${plainText(options.for, 20)} is no time. Give seconds, such as --for 60.`)
  return {
    csvMap: options.csvMap === undefined ? null : readCsvMap(options.csvMap),
    listen: options.listen.map(parseListen),
    exporters: options.exporter,
    reading: options.follow === undefined ? 'whole' : 'follow',
  }
}

class FeedError extends Error {}

async function readFeeds(files: readonly string[]): Promise<IndicatorEntry[]> {
  const entries: IndicatorEntry[] = []
  for (const file of files) {
    const name = plainText(file.split('/').at(-1)!, 63)
    const list = await readList(file).catch(() => {
      throw new FeedError(
        `The feed ${plainText(file, 200)} cannot be read. Give the path of a text file with one address a line.`,
      )
    })
    if (list.refused > 0)
      say(`feed ${name}: ${list.refused} lines refused, the first at line ${list.refusals[0]?.line}`)
    for (const { cidr, score } of list.entries) entries.push({ cidr, score: score ?? 0, feed: name, confidence: 0.8 })
  }
  return entries
}

function toJson(observation: Observation, seconds: number): object {
  return {
    flows: observation.flows,
    seconds: Number(seconds.toFixed(3)),
    workloads: observation.workloads.map((one) => ({
      address: one.address,
      belief: (one.belief?.personas ?? []).map(({ persona, p }) => ({ persona, p })),
      unknown: one.belief?.unknown ?? 1,
      risk: one.risk.value,
      evidence: one.evidence.map(({ kind, peer, weight, at, why }) => ({ kind, peer, weight, at, why })),
    })),
    folded: observation.folded,
    refused: observation.refused,
    refusedCount: observation.refusedCount,
    skipped: observation.skipped,
    sources: observation.sources,
  }
}
