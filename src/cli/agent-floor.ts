/** `guise agent floor …`: what a server may ever ask of this host: shown, checked, written for the first time. */
import type { Command } from 'commander'
import { SYSTEM_FLOOR } from '../enforce/floor-paths.ts'
import type { Answer } from './floor-answers.ts'

type Answers = typeof import('./floor-answers.ts')
type FloorOptions = { readonly home: string; readonly json?: true }

export function registerFloor(agent: Command, home: string): void {
  const floor = agent.command('floor').description('what a server may ever ask of this host: check, show, init')
  floor
    .command('check')
    .description('is it one, and could only root have written it? A file that is given is only read')
    .argument('[file]')
    .option('--home <dir>', "the agent's home", home)
    .option('--json', 'one line of JSON on stdout')
    .action((file: string | undefined, options: FloorOptions) => said(options, (does) => does.check(file, options)))
  floor
    .command('show')
    .description('what holds, line by line, defaults included')
    .option('--home <dir>', "the agent's home", home)
    .option('--json', 'one line of JSON on stdout')
    .action((options: FloorOptions) => said(options, (does) => does.show(options)))
  floor
    .command('init')
    .description('write the defaults, with what they mean, where there is no floor yet (root)')
    .option('--path <file>', 'where', SYSTEM_FLOOR)
    .option('--json', 'one line of JSON on stdout')
    .action((options: { readonly path: string; readonly json?: true }) =>
      said(options, (does) => does.init(options.path)),
    )
}

/** What reads a floor is loaded when one is to be read. */
async function said(options: { readonly json?: true }, work: (does: Answers) => Answer): Promise<void> {
  try {
    const { value, text } = work(await import('./floor-answers.ts'))
    process.stdout.write(`${options.json === true ? JSON.stringify(value) : text}\n`)
  } catch (error) {
    const { message } = error as Error
    if (options.json === true) process.stdout.write(`${JSON.stringify({ ok: false, error: message })}\n`)
    else process.stderr.write(`guise agent: ${message}.\n`)
    process.exitCode = 1
  }
}
