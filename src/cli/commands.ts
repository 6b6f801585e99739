/** Every command: where its file is, one line for `--help`, and the program they make together. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { isJson } from './client.ts'

/** Command → its file and one line for `--help`, so that help loads none of them. */
export const COMMANDS: Readonly<Record<string, readonly [file: string, summary: string]>> = {
  up: ['up', 'run the server here, and with --lab the lab network and its agent'],
  agent: ['agent', 'observe and enforce for the workloads of this host (root)'],
  lab: ['lab', 'a network of namespaces with real programs: up, down, status, attack'],
  observe: ['observe', 'read flow logs and say who each address is, and how far to trust it'],
  apply: ['apply', 'apply manifests: whole, or not at all'],
  get: ['get', 'list workloads, personas, policies, feeds, agents, plans, shifts, secrets, audit'],
  describe: ['get', 'one thing, whole'],
  agents: ['get', 'list agents'],
  why: ['why', 'why a workload, or one of its flows, is treated as it is'],
  trace: ['trace', "follow a flow's packets through the rules, with our reasons (root)"],
  shift: ['shift', 'make a workload wear a persona'],
  try: ['shift', 'wear a persona for a while, then back by itself'],
  undo: ['shift', 'end the newest shift of a workload'],
  plan: ['plan', 'plans: list, show, diff, approve, confirm, rollback'],
  approver: ['approver', 'the key an approver signs plans with: keygen, show'],
  panic: ['panic', 'remove everything of ours from this kernel, now (root)'],
  machine: [
    'machine',
    'virtual machines of this host (root) or of an agent: list, define, start, stop, clone, resize, destroy, approve, log',
  ],
  domain: ['domain', "domains of this host's libvirt: list, start, stop, clone, resize, destroy (root)"],
  verify: ['verify', 'compare the kernel with what was confirmed (root)'],
  policy: ['policy', 'check policy files and take in others: lint, test, import, resolve'],
  drift: ['drift', 'watch any series of numbers and say when it drifts, and why'],
  forecast: ['forecast', 'the traffic expected of a workload or a persona, with intervals, and why'],
  vitals: ['vitals', 'what a workload uses and does that is no flow: processor, memory, disks, its link, programs'],
  learn: [
    'learn',
    'types of devices from captures: train, evaluate; whom a workload is like: features; enough seen to learn rules from: gate; strangers: proposals, proposal, feedback; what beliefs rest on: models, model',
  ],
  doctor: ['doctor', 'what is not as it should be, with its cure'],
  events: ['doctor', 'what happens, as it happens'],
  token: ['token', 'tokens: create, list, revoke'],
  secret: ['secret', 'values that personas name and nobody reads back: set, list, delete'],
  completion: ['completion', 'print the completion script of a shell'],
}

export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return (
    new Command('guise')
      .description('Dynamic network personas: who a workload is, which network it should see, enforced, with a reason.')
      .version(version)
      .option('--server <url>', 'the server (GUISE_SERVER, default http://127.0.0.1:7070)')
      .option('--json', 'one line of JSON on stdout')
      .enablePositionalOptions()
      .exitOverride()
      .hook('preAction', (_, command) => {
        // Wherever it stood, it is also an option of the command itself, which may look nowhere else.
        if (isJson(command)) command.setOptionValue('json', true)
      })
      // Told by whoever catches it, with its cure.
      .configureOutput({ outputError() {} })
  )
}

export async function load(program: Command, file: string): Promise<void> {
  const { register } = (await import(`./${file}.ts`)) as { register(program: Command): void }
  register(program)
}

/** `--json` and `--server` may stand before or after the command. */
export function takeEverywhere(command: Command): void {
  for (const one of command.commands) {
    // What stands after a command is that command's own: `agent --server` is not the API's address.
    one.exitOverride().enablePositionalOptions()
    for (const [flags, text] of [
      ['--json', 'one line of JSON on stdout'],
      ['--server <url>', 'the server'],
    ] as const)
      if (!one.options.some((option) => flags.startsWith(option.long ?? '-'))) one.option(flags, text)
    takeEverywhere(one)
  }
}

/** What commander says of a command line it refuses, as everything else here is said: with the command whose help has the cure. */
export function usageText(message: string, program: Command, argv: readonly string[]): string {
  let command = program
  const path = ['guise']
  for (const word of argv) {
    const next = command.commands.find((one) => one.name() === word)
    if (next === undefined) continue
    command = next
    path.push(word)
  }
  const said = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
  return `${said}${/[.?)]$/.test(said) ? '' : '.'} See ${path.join(' ')} --help.`
}

/** All of it, for the completion script and the reference. */
export async function wholeProgram(): Promise<Command> {
  const program = createProgram()
  for (const file of new Set(Object.values(COMMANDS).map(([name]) => name))) await load(program, file)
  takeEverywhere(program)
  return program
}
