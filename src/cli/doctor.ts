/** `guise doctor`: what is not as it should be, with its cure. `guise events`: what happens, as it happens. */
import type { Command } from 'commander'
import { plainText } from '../model/plain-text.ts'
import { action, clientOf, isJson, print } from './client.ts'

type Doctor = {
  readonly ok: boolean
  readonly version: string
  readonly checks: readonly {
    readonly name: string
    readonly ok: boolean
    readonly detail: string
    readonly cure: string
  }[]
}

export function register(program: Command): void {
  program
    .command('doctor')
    .description('what is not as it should be, with its cure')
    .action(
      action(async (command: Command) => {
        const found = await clientOf(command).get<Doctor>('/v1/doctor')
        print(command, found, doctorText)
        if (!found.ok) process.exitCode = 1
      }),
    )
  const events = program.command('events').description('what happens, as it happens')
  events
    .command('tail')
    .description('until interrupted')
    .action(
      action(async (command: Command) => {
        const stop = new AbortController()
        process.once('SIGINT', () => stop.abort())
        for await (const event of clientOf(command).events(stop.signal))
          process.stdout.write(
            isJson(command) ? `${event.data.replaceAll('\n', '')}\n` : `${event.type}  ${plainText(event.data, 400)}\n`,
          )
      }),
    )
}

export function doctorText({ checks, ok, version }: Doctor): string {
  const lines = checks.map(
    (one) =>
      `${one.ok ? 'ok   ' : 'WRONG'} ${plainText(one.name, 80)}: ${plainText(one.detail, 1_000)}${one.ok ? '' : `. ${one.cure}`}`,
  )
  return `${lines.join('\n')}\n${ok ? 'All is well' : 'Something needs you'} (version ${version}).`
}
