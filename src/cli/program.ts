/**
 * The command line: `guise COMMAND`. Each command is a file that exports `register(program)`; only the file of the command
 * that was asked for is loaded. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no server there.
 */
import { CommanderError } from 'commander'
import { tellRefusal } from './client.ts'
import { COMMANDS, createProgram, load, takeEverywhere, usageText, wholeProgram } from './commands.ts'

async function main(argv: readonly string[]): Promise<void> {
  const wanted = argv.find((word, i) => !word.startsWith('-') && argv[i - 1] !== '--server')
  if (wanted === 'complete') {
    const { complete } = await import('./completion.ts')
    return complete(await wholeProgram(), argv.slice(argv.indexOf('--') + 1))
  }
  const program = createProgram()
  const known = wanted === undefined ? undefined : COMMANDS[wanted]
  if (known !== undefined) await load(program, known[0])
  for (const [name, [, summary]] of Object.entries(COMMANDS))
    if (!program.commands.some((command) => command.name() === name)) program.command(name).description(summary)
  takeEverywhere(program)
  if (argv.length === 0) return program.outputHelp()
  await program.parseAsync([...argv], { from: 'user' }).catch((error: unknown) => {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    process.exitCode = 2
    // A group without its command: its help was the answer, for whom reads it.
    const isHelp = error.code === 'commander.help'
    if (isHelp && !argv.includes('--json')) return
    const text = usageText(isHelp ? 'A command of this group is missing' : error.message, program, argv)
    tellRefusal(argv.includes('--json'), text)
  })
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader left (`guise get workloads | head`): nothing is wrong.
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await main(process.argv.slice(2))
} catch (error) {
  const { message, cause } = error as Error
  tellRefusal(process.argv.includes('--json'), `${message}${cause instanceof Error ? `: ${cause.message}` : ''}`)
  process.exitCode = 1
}
