/** `guise learn models|model`: the models a server keeps, what each was worth where it was not learnt, and which is in force. */
import { readFileSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import type {
  ModelDetail,
  ModelList,
  ModelMetrics,
  ModelPromoted,
  ModelRecord,
  ModelShadow,
} from '../model/model-record.ts'
import { plainText } from '../model/plain-text.ts'
import { action, CliError, clientOf, print } from './client.ts'
import { ago, table } from './table.ts'

/** What the server takes. */
const MOST_BYTES = 8 * 1024 * 1024

export function registerModels(learn: Command): void {
  learn
    .command('models')
    .description('the models a server keeps, which one is in force, and which was when')
    .action(action(list))
  const model = learn.command('model').description('one model: show, add, promote, rollback, remove')
  model
    .command('show')
    .description('what it is worth beside the one in force, and whose name it would change')
    .argument('<id>')
    .action(action(show))
  model
    .command('add')
    .description('keep a model that lab/train.ts wrote; it is not in force by that')
    .argument('<file>')
    .action(action(add))
  model
    .command('promote')
    .description('put it in force: beliefs go on where personas have the same name')
    .argument('<id>')
    .option('--why <text>', 'for the record', '')
    .action(action(promote))
  model
    .command('rollback')
    .description('back to the model that was in force before this one')
    .option('--why <text>', 'for the record', '')
    .action(action(rollback))
  model.command('remove').description('remove one that was never in force').argument('<id>').action(action(remove))
}

async function list(command: Command): Promise<void> {
  const found = await clientOf(command).get<ModelList>('/v1/models')
  print(command, found, (one) => modelsText(one, Date.now()))
}

async function show(id: string, command: Command): Promise<void> {
  const found = await clientOf(command).get<ModelDetail>(`/v1/models/${encodeURIComponent(id)}`)
  print(command, found, (one) => modelText(one, Date.now()))
}

async function add(path: string, command: Command): Promise<void> {
  const record = await clientOf(command).send<ModelRecord>('POST', '/v1/models', read(path))
  print(command, record, ({ id, name }) =>
    [
      `${name} is kept as ${id}; it is not in force.`,
      `Compare it with guise learn model show ${id}, put it in force with guise learn model promote ${id}.`,
    ].join('\n'),
  )
}

async function promote(id: string, command: Command): Promise<void> {
  const { why } = command.opts<{ why: string }>()
  const said = await clientOf(command).send<ModelPromoted>('POST', `/v1/models/${encodeURIComponent(id)}/promote`, {
    why,
  })
  print(command, said, promotedText)
}

async function rollback(command: Command): Promise<void> {
  const { why } = command.opts<{ why: string }>()
  print(command, await clientOf(command).send<ModelPromoted>('POST', '/v1/models/rollback', { why }), promotedText)
}

async function remove(id: string, command: Command): Promise<void> {
  await clientOf(command).send<null>('DELETE', `/v1/models/${encodeURIComponent(id)}`)
  print(command, { removed: id }, () => `Model ${id} is removed.`)
}

function read(path: string): unknown {
  try {
    if (statSync(path).size > MOST_BYTES)
      throw new CliError(`${plainText(path, 200)} is larger than 8 MiB: it is no model of personas.`, 1)
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error instanceof CliError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const why = code ?? plainText(message, 200)
    throw new CliError(`${plainText(path, 200)} cannot be read: ${why}. Give a model that lab/train.ts wrote.`, 1)
  }
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const points = (share: number) => share.toFixed(3)
const short = (hash: string | null) => hash?.slice(0, 12) ?? '-'

export function modelsText({ items, inForce, waiting, history }: ModelList, now: number): string {
  const names = new Map(items.map(({ id, name }) => [id, name]))
  const lines = [
    table(
      ['MODEL', 'NAME', 'KIND', 'IN FORCE', 'ACCURACY', 'ECE', 'PERSONAS', 'FEATURES', 'ADDED'],
      items.map((one) => {
        const { metrics } = one.provenance
        return [
          one.id,
          one.name,
          one.kind,
          one.id === inForce ? 'yes' : '-',
          metrics === null ? '-' : percent(metrics.accuracy),
          metrics === null ? '-' : points(metrics.ece),
          String(one.personas.length),
          one.features,
          ago(one.addedAt, now),
        ]
      }),
      'No model is kept yet: the server has not begun.',
    ),
    '',
    table(
      ['SINCE', 'MODEL', 'WHAT', 'BY', 'WHY'],
      history.map(({ at, model, act, by, why }) => [
        ago(at, now),
        names.get(model) === undefined ? model : `${names.get(model)} (${model})`,
        act,
        by,
        why,
      ]),
      'Nothing was in force yet.',
    ),
  ]
  if (waiting !== null)
    lines.push(
      '',
      `${waiting} ships with this release and is not in force. Compare it with guise learn model show ${waiting}.`,
    )
  return lines.join('\n')
}

export function modelText({ model, isInForce, inForce, shadow }: ModelDetail, now: number): string {
  const { provenance } = model
  const { metrics } = provenance
  const other = inForce === null || isInForce ? null : inForce
  return [
    `${model.id}  ${model.name}  ${isInForce ? 'in force' : 'not in force'}`,
    `${model.kind}, added ${ago(model.addedAt, now)} by ${plainText(model.addedBy, 128)}`,
    `Learnt from ${short(provenance.dataset)}, seed ${provenance.seed ?? '-'}, ${model.features}: fitted on ${provenance.fitting.length} runs, calibrated on ${provenance.calibrating.length}, measured on ${provenance.measuring.length} others.`,
    '',
    comparison(model, other),
    ...(metrics === null ? [] : ['', confusion(model.personas, metrics), '', reliability(metrics)]),
    '',
    isInForce ? 'It is in force: nothing would change.' : shadowText(shadow),
  ].join('\n')
}

function comparison(model: ModelRecord, other: ModelRecord | null): string {
  const of = (record: ModelRecord) => record.provenance.metrics
  const rows: readonly (readonly [string, (metrics: ModelMetrics) => string])[] = [
    ['accuracy', ({ accuracy }) => percent(accuracy)],
    ['macro F1', ({ macroF1 }) => points(macroF1)],
    ['calibration error', ({ ece }) => points(ece)],
    ['abstained', ({ abstained }) => percent(abstained)],
    ['windows', ({ windows }) => String(windows)],
    ['hosts', ({ hosts }) => String(hosts)],
  ]
  const cell = (record: ModelRecord, say: (metrics: ModelMetrics) => string) => {
    const metrics = of(record)
    return metrics === null ? 'not measured' : say(metrics)
  }
  return table(
    ['HELD OUT', model.id, ...(other === null ? [] : [`${other.id} (in force)`])],
    rows.map(([name, say]) => [name, cell(model, say), ...(other === null ? [] : [cell(other, say)])]),
    '',
  )
}

function confusion(personas: readonly string[], metrics: ModelMetrics): string {
  return table(
    ['IS \\ GUESSED', ...personas.map((_, i) => String(i + 1)), 'SILENT'],
    personas.map((name, i) => [
      `${i + 1} ${name}`,
      ...metrics.confusion[i]!.map((n) => (n === 0 ? '.' : String(n))),
      String(metrics.silent[i]),
    ]),
    '',
  )
}

function reliability({ bins }: ModelMetrics): string {
  return table(
    ['SAID', 'MEAN P', 'RIGHT', 'WINDOWS'],
    bins.map(({ n, p, accuracy }, i) => [
      `${(i / 10).toFixed(1)}-${((i + 1) / 10).toFixed(1)}`,
      n === 0 ? '-' : points(p),
      n === 0 ? '-' : points(accuracy),
      String(n),
    ]),
    '',
  )
}

function promotedText({ promotion, model, shadow }: ModelPromoted): string {
  const what = promotion.act === 'rolled-back' ? 'is in force again' : 'is in force'
  return [`${model.name} (${model.id}) ${what}, from the next window on.`, shadowText(shadow)].join('\n')
}

function shadowText(shadow: ModelShadow | null): string {
  if (shadow === null) return 'It cannot be tried on the windows in memory.'
  const { workloads, windows, wouldChange, changes } = shadow
  if (workloads === 0) return 'No window is in memory yet: what it would change is not known.'
  const told = `By the last ${windows} windows of ${workloads} workloads, ${wouldChange} change their name.`
  return [
    told,
    ...changes.map(
      ({ name, from, to }) => `  ${plainText(name, 128)}: ${from ?? '(nothing said)'} -> ${to ?? '(nothing said)'}`,
    ),
  ].join('\n')
}
