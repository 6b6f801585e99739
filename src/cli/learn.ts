/**
 * `guise learn train|evaluate`: a recogniser from labelled captures (or one labelled table), and what one is worth; needs no
 * server. `guise learn gate`: whether what a server has seen of a workload or a persona is enough to learn rules from.
 * The words about strangers are in learn-proposals.ts, those about a server's models in learn-models.ts.
 */
import { accessSync, constants, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { DEFAULT_SETTINGS, fitRecogniser } from '../learn/recognise/fit-recogniser.ts'
import { type Judgement, judgeVerdicts } from '../learn/recognise/judgement.ts'
import { verdictOf } from '../learn/recognise/recognise.ts'
import { parseRecogniser, recogniserJson } from '../learn/recognise/recogniser-file.ts'
import { plainText } from '../model/plain-text.ts'
import { action, CliError, print } from './client.ts'
import { type Labelled, readLabelled } from './learn-examples.ts'
import { registerFeatures } from './learn-features.ts'
import { registerGate } from './learn-gate.ts'
import { registerModels } from './learn-models.ts'
import { registerProposals } from './learn-proposals.ts'
import { table } from './table.ts'

type TrainOptions = {
  readonly labelled: string
  readonly out: string
  readonly seed: string
  readonly behaviourOnly?: true
}
type EvaluateOptions = { readonly model: string; readonly labelled: string }

export function register(program: Command): void {
  const learn = program
    .command('learn')
    .description('learn types of devices from labelled traffic; tell whether enough was seen to learn rules from')
  learn
    .command('train')
    .description('learn from <label>/<captures or logs>, or from a folder with one labelled table, and write a model')
    .requiredOption('--labelled <dir>', 'a folder of captures or logs for each label; types.json in it merges labels')
    .requiredOption('--out <model>', 'the file to write')
    .option('--seed <number>', 'the same seed and data give the same model', '1')
    .option('--behaviour-only', 'no names and fingerprints: what it does, not what it says it is')
    .action(action(train))
  learn
    .command('evaluate')
    .description(
      'judge a model by labelled captures or rows that it has not seen; one verdict each, an abstention is wrong',
    )
    .requiredOption('--model <model>', 'a file that train wrote')
    .requiredOption('--labelled <dir>', 'as for train')
    .action(action(evaluate))
  registerFeatures(learn)
  registerGate(learn)
  registerProposals(learn)
  registerModels(learn)
}

async function train(command: Command): Promise<void> {
  const options = command.opts<TrainOptions>()
  const seed = Number(options.seed)
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new CliError(`--seed ${plainText(options.seed, 20)} is no whole number of zero or more.`, 2)
  mustBeWritable(options.out)
  const labelled = await read(options.labelled)
  const set = options.behaviourOnly === true ? 'behaviour' : DEFAULT_SETTINGS.set
  tell(`learning from ${labelled.examples.length} ${labelled.kind === 'table' ? 'rows' : 'captures'}`)
  const began = performance.now()
  const fitted = orSay(() => fitRecogniser(labelled.examples, { ...DEFAULT_SETTINGS, set, seed }))
  const { merged, hash } = labelled
  const examples = labelled.examples.length
  const json = recogniserJson(fitted, { data: hash, examples, seed, merged })
  const took = Math.round(performance.now() - began) / 1_000
  // Whole or not at all: a server may read it meanwhile.
  writeFileSync(`${options.out}.new`, JSON.stringify(json), { mode: 0o644 })
  renameSync(`${options.out}.new`, options.out)
  const { types, provenance } = json
  const result = {
    model: options.out,
    types: types.length,
    examples,
    left: labelled.left.length,
    train_s: took,
    data: hash,
  }
  const sets = labelled.kind === 'table' ? {} : { set }
  print(command, { ...result, seed, features: provenance.features, ...sets }, () =>
    [
      `${options.out}: ${types.length} types from ${examples} examples in ${took.toFixed(1)} s.`,
      `Judge it with: guise learn evaluate --model ${options.out} --labelled DIR`,
    ].join('\n'),
  )
}

async function evaluate(command: Command): Promise<void> {
  const options = command.opts<EvaluateOptions>()
  const { provenance, ...recogniser } = readModel(options.model)
  const labelled = await read(options.labelled, provenance.merged)
  if (labelled.hash === provenance.data)
    tell('this is the very data that the model was learnt from: the figures say nothing of others')
  const strange = new Set(labelled.examples.map(({ type }) => type)).difference(new Set(recogniser.types))
  if (strange.size > 0) tell(`the model knows no ${[...strange].map((type) => plainText(type, 60)).join(', ')}`)
  const told = orSay(() => labelled.examples.map(({ type, ages }) => verdictOf(recogniser, type, ages.at(-1)!)))
  // Whatever nothing could be read of was not told either.
  const untold = labelled.left.map(({ type }) => ({ truth: type, told: null, guess: '', p: 0 }))
  print(
    command,
    orSay(() => judgeVerdicts([...told, ...untold])),
    textOf,
  )
}

/** Learning takes minutes: what would fail at its end is said before. */
function mustBeWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CliError(
      `--out ${plainText(path, 200)} cannot be written (${code}). Name a file in a folder that is there.`,
      2,
    )
  }
}

function textOf({ accuracy, macro_f1, ece, abstained, confusion }: Judgement): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  const wrong = Object.entries(confusion).flatMap(([truth, row]) =>
    Object.entries(row).map(([told, n]) => [truth, told === '' ? '(abstained)' : told, String(n)] as const),
  )
  wrong.sort((a, b) => Number(b[2]) - Number(a[2]))
  return [
    `accuracy ${percent(accuracy)}, macro F1 ${macro_f1.toFixed(3)}, calibration error ${percent(ece)}, abstained ${percent(abstained)}`,
    table(['is', 'was told', 'times'], wrong, 'Nothing was told wrong.'),
  ].join('\n\n')
}

function readModel(path: string): ReturnType<typeof parseRecogniser> {
  try {
    return parseRecogniser(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new CliError(`${plainText(path, 200)} cannot be used: ${code ?? message}.`, 1)
  }
}

async function read(dir: string, merged: Readonly<Record<string, string>> = {}): Promise<Labelled> {
  let toldAt = performance.now()
  try {
    const labelled = await readLabelled(dir, merged, (done, of) => {
      if (performance.now() - toldAt < 1_000) return
      toldAt = performance.now()
      tell(`read ${done} of ${of}`)
    })
    for (const { source, why } of labelled.left) tell(plainText(`left out ${source}: ${why}`, 400))
    for (const line of labelled.cut) tell(plainText(`read in part ${line}`, 400))
    return labelled
  } catch (error) {
    throw new CliError((error as Error).message, 1)
  }
}

/** What data can be wrong with is said as one sentence. */
function orSay<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new CliError(`${(error as Error).message}.`, 1)
  }
}

const tell = (line: string) => void process.stderr.write(`${line}\n`)
