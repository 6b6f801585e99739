/** `guise lab up|down|status|attack`: the lab's namespaces, brought up, taken away, looked at, turned bad for a while. */
import { setTimeout as wait } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { ATTACKS, type Attack, attackDefaults, attackWaitMs, describeAttack, labAttack } from '../../lab/attack.ts'
import { labDown } from '../../lab/down.ts'
import { LAB_PREFIX, LabError, labDirectory } from '../../lab/place.ts'
import { labStatus } from '../../lab/status.ts'
import { labUp } from '../../lab/up.ts'
import { tellRefusal } from './client.ts'

type Common = { readonly json?: true; readonly dir: string }

/** Said again here, because only this file of the command line knows the lab. */
export const ATTACK_KINDS: readonly string[] = ATTACKS

const say = (line: string) => process.stderr.write(`${line}\n`)

/** With `--json` one compact line on stdout, else the sentences. */
function report(options: Common, value: object, lines: readonly string[]): void {
  process.stdout.write(options.json ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`)
}

/** A refusal is one sentence and exit code 1; anything else is a broken promise and keeps its trace. */
async function orRefuse(options: Common, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    tellRefusal(options.json === true, `${error.message}.`)
    process.exitCode = 1
  }
}

export function register(program: Command): void {
  const lab = program.command('lab').description('a network of namespaces with real programs to try Guise on (root)')
  const add = (name: string, description: string) =>
    lab
      .command(name)
      .description(description)
      .option('--json', 'one line of JSON on stdout')
      .option('--dir <dir>', 'where the lab keeps its files (GUISE_LAB_DIR)', labDirectory())

  add('up', 'make the namespaces and start the programs')
    .option('--prefix <name>', 'namespaces are called <name>-…', LAB_PREFIX)
    .option('--seed <n>', 'seed of every program', wholeNumber, 1)
    .action((options: Common & { prefix: string; seed: number }) => orRefuse(options, () => up(options)))
  add('down', 'end the programs and remove every trace, also after a crash')
    .option('--prefix <name>', 'only the lab of this prefix')
    .action((options: Common & { prefix?: string }) => orRefuse(options, () => down(options)))
  add('status', 'what is there now').action((options: Common) => orRefuse(options, () => status(options)))
  add('attack', 'let a workload turn bad for a while')
    .argument('<kind>', ATTACKS.join(', '), attackKind)
    .option('--from <workload>', 'which workload (default app2 for scan, else web1)')
    .option('--seconds <n>', 'how long', wholeNumber, 60)
    .option('--target <address>', 'where beacon and exfil go (192.0.2.66 is on the sample block-list)')
    .action((kind: Attack, options: Common & { from?: string; seconds: number; target?: string }) =>
      orRefuse(options, () => attack(kind, options)),
    )
}

function wholeNumber(text: string): number {
  const n = Number(text)
  if (!Number.isInteger(n) || n < 1 || n > 86_400)
    throw new InvalidArgumentError('a whole number from 1 to 86400 is needed.')
  return n
}

function attackKind(text: string): Attack {
  const kind = ATTACKS.find((known) => known === text)
  if (!kind) throw new InvalidArgumentError(`known attacks: ${ATTACKS.join(', ')}.`)
  return kind
}

async function up(options: Common & { prefix: string; seed: number }): Promise<void> {
  say('Bringing the lab up: a router, ten workloads, a name server, an outside world.')
  const made = await labUp(options)
  report(options, made, [
    `The lab is up (${(made.tookMs / 1_000).toFixed(1)} s): ${made.workloads.map((w) => w.name).join(', ')} behind ${made.router}.`,
    `Watch it:  guise agent --inventory ${made.inventory} --netns ${made.router}`,
    'Break it:  guise lab attack exfil',
    'End it:    guise lab down',
  ])
}

async function down(options: Common & { prefix?: string }): Promise<void> {
  const gone = await labDown(options)
  report(options, gone, [
    gone.namespaces === 0 && gone.processes === 0
      ? 'No lab was up.'
      : `The lab is down: ${gone.processes} processes ended, ${gone.namespaces} namespaces removed.`,
  ])
}

async function status(options: Common): Promise<void> {
  const now = await labStatus(options)
  report(options, now, [
    now.state === 'down' ? 'No lab is up.' : `The lab ${now.prefix} is ${now.state} (${now.dir}).`,
    ...now.workloads.map(
      (w) =>
        `  ${w.name.padEnd(8)} ${w.persona.padEnd(14)} ${w.namespace ? `${w.running} of ${w.programs} programs run` : 'its namespace is gone'}`,
    ),
  ])
}

async function attack(
  kind: Attack,
  options: Common & { from?: string; seconds: number; target?: string },
): Promise<void> {
  const { from, seconds, target } = attackDefaults(kind, options)
  const waitMs = attackWaitMs(kind, options.dir, Date.now())
  if (waitMs > 0) {
    say(
      `The lab is new, and nobody knows yet what is usual for ${from}: the attack begins in ${Math.ceil(waitMs / 1_000)} s.`,
    )
    await wait(waitMs)
  }
  say(`${describeAttack(kind, from, seconds, target)}. Ctrl-C ends it.`)
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ending.abort())
  const done = await labAttack(kind, { ...options, signal: ending.signal })
  report(options, done, [
    `${done.from}: ${done.connections} connections, ${done.pings} pings, ${(done.bytesSent / 1e6).toFixed(1)} MB sent, ${done.failed} failed.`,
  ])
}
