/** `guise forecast WORKLOAD|persona/NAME`: the traffic that is expected of it, as the server forecasts it. */
import { type Command, Option } from 'commander'
import { FORECAST_STEPS, type ForecastReport, type ForecastStep, MOST_AHEAD } from '../model/forecast.ts'
import { slug } from '../model/ids.ts'
import { plainText } from '../model/plain-text.ts'
import { action, CliError, type Client, clientOf, print } from './client.ts'
import { findWorkload } from './find.ts'
import { forecastText } from './forecast-text.ts'

type Options = { readonly step: ForecastStep; readonly horizon?: string; readonly of?: string }

export function register(program: Command): void {
  program
    .command('forecast')
    .description('the traffic that is expected of a workload or a persona, with intervals, and why')
    .argument('<workload>', 'name, key or id; persona/NAME for all that are known by a persona, added up')
    .addOption(new Option('--step <step>', 'how long one step is').choices(FORECAST_STEPS).default('5min'))
    .option('--horizon <steps>', `steps ahead: ${MOST_AHEAD['5min']} of 5 min at most, ${MOST_AHEAD.hour} hours`)
    .option('--of <what>', 'bytesOut, bytesIn, or by the hour service:NAME (default: bytesOut)')
    .action(action(show))
}

async function show(wanted: string, command: Command): Promise<void> {
  const { step, horizon, of = 'bytesOut' } = command.opts<Options>()
  if (horizon !== undefined && !/^[1-9]\d{0,3}$/.test(horizon))
    throw new CliError(`--horizon ${plainText(horizon, 20)} is no number of steps from 1 on.`, 2)
  if (!/^(bytesOut|bytesIn|service:.{1,40})$/.test(of))
    throw new CliError(`--of ${plainText(of, 60)} is not bytesOut, bytesIn or service:NAME, such as service:http.`, 2)
  const client = clientOf(command)
  const query = new URLSearchParams({ step, of, ...(horizon === undefined ? {} : { horizon }) })
  const report = await client.get<ForecastReport>(`/v1/${await pathOf(client, wanted)}/forecast?${query}`)
  print(command, report, forecastText)
}

async function pathOf(client: Client, wanted: string): Promise<string> {
  if (wanted.startsWith('persona/')) return `personas/${slug(wanted.slice('persona/'.length))}`
  return `workloads/${(await findWorkload(client, wanted)).id}`
}
