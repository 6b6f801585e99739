/** `guise learn features`: the last window of a workload beside what its persona is like, feature by feature. */
import type { Command } from 'commander'
import type { FeatureStanding, FeatureUnit, WorkloadFeatures } from '../model/feature-standing.ts'
import { action, clientOf, print } from './client.ts'
import { findWorkload } from './find.ts'
import { table } from './table.ts'

export function registerFeatures(learn: Command): void {
  learn
    .command('features')
    .description('the last window of a workload beside what its persona is like; what is outside first')
    .argument('<workload>', 'name, key or id')
    .action(action(features))
}

async function features(wanted: string, command: Command): Promise<void> {
  const client = clientOf(command)
  const { id, report } = await findWorkload(client, wanted)
  const answer = await client.get<WorkloadFeatures>(`/v1/workloads/${id}/features`)
  print(command, answer, (told) => featuresText(report.name, told))
}

export function featuresText(name: string, { persona, basis, p, at, features }: WorkloadFeatures): string {
  if (persona === null || basis === null)
    return `${name}: nobody is believed or assigned yet. Ask again when it was active for a minute.`
  const belief = p === null ? '' : ` (p ${p.toFixed(2)})`
  const outside = features.filter((feature) => feature.outside).length
  const seen = features.filter(({ value }) => value !== null).length
  const said =
    at === null
      ? 'no window of it was whole yet'
      : `${outside} of ${seen} features outside, in the window until ${new Date(at).toISOString()}`
  const rows = features.map((one) => [one.outside ? '!' : '', one.means, ...numbersOf(one)])
  return [
    `${name} beside ${persona}, ${basis}${belief}: ${said}`,
    '',
    table(['', 'feature', 'value', 'typical', 'moved'], rows, ''),
  ].join('\n')
}

function numbersOf({ value, low, high, unit, moved }: FeatureStanding): string[] {
  const typical = low === null || high === null ? '' : `${say(low, unit)} to ${say(high, unit)}`
  return [value === null ? 'not seen' : say(value, unit), typical, moved === null ? '' : signed(moved)]
}

const signed = (moved: number): string => `${moved > 0 ? '+' : ''}${moved.toFixed(2)}`
const short = (value: number): string => String(Number(value.toPrecision(3)))

function say(value: number, unit: FeatureUnit): string {
  switch (unit) {
    case 'share':
      return `${Math.round(value * 100)} %`
    case 'bytes':
      return bytes(value)
    case 'bytes per minute':
      return `${bytes(value)}/min`
    case 'flows per minute':
      return `${short(value)}/min`
    case 'ms':
      return value < 10_000 ? `${short(value)} ms` : `${short(value / 1_000)} s`
    case 'bits':
      return `${value.toFixed(1)} bits`
    case 'count':
      return short(value)
    default:
      return unit satisfies never
  }
}

function bytes(value: number): string {
  if (value >= 1e9) return `${short(value / 1e9)} GB`
  if (value >= 1e6) return `${short(value / 1e6)} MB`
  return value >= 1e3 ? `${short(value / 1e3)} kB` : `${short(value)} B`
}
