/** `guise agent install-units` and `restore-base`: what systemd needs, so that a host comes back as it was. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { restoreBase } from '../enforce/restore-base.ts'
import { tellRefusal } from './client.ts'
import { type HostOptions, inNamespaceOf } from './in-namespace.ts'

const TEMPLATES = new URL('../../packaging/systemd/', import.meta.url).pathname
const MAIN = new URL('./main.ts', import.meta.url).pathname
export const UNITS = ['guise-base.service', 'guise-agent.service'] as const

type UnitOptions = {
  readonly home: string
  readonly to: string
  readonly options: string
  readonly dryRun?: true
  readonly json?: true
}

export function registerUnits(agent: Command, home: string): void {
  agent
    .command('install-units')
    .description('write the systemd units: the agent, and the rules before the network (root)')
    .option('--home <dir>', "the agent's home", home)
    .option('--options <words>', 'what else guise agent is started with, as one word', '')
    .option('--to <dir>', 'where units are', '/etc/systemd/system')
    .option('--dry-run', 'print them instead')
    .option('--json', 'one line of JSON on stdout')
    .action(installUnits)
  agent
    .command('restore-base')
    .description('load the rules of the last confirmed generation from the journal, as at boot (root)')
    .option('--netns <name>', 'in this network namespace (default: the one the agent of --home works in)')
    .option('--home <dir>', "the agent's home", home)
    .option('--json', 'one line of JSON on stdout')
    .action((options: HostOptions) => inNamespaceOf(options, () => restore(options)))
}

async function restore(options: HostOptions): Promise<void> {
  const done = await restoreBase(options.home, Date.now())
  const text =
    done.restored === null
      ? `Nothing was loaded: ${done.why}.`
      : `The rules of generation ${done.restored} are in the kernel (${done.hash}).`
  process.stdout.write(`${options.json === true ? JSON.stringify(done) : text}\n`)
}

function installUnits(options: UnitOptions): void {
  try {
    const units = UNITS.map((name) => ({
      path: join(options.to, name),
      text: unitText(name, resolve(options.home), options.options),
    }))
    const written = options.dryRun !== true
    if (written) mkdirSync(options.to, { recursive: true })
    if (written) for (const { path, text } of units) writeFileSync(path, text, { mode: 0o644 })
    const start = `systemctl daemon-reload && systemctl enable --now ${UNITS.join(' ')}`
    const said = written
      ? `Written to ${options.to}: ${UNITS.join(', ')}.\nStart them with: ${start}\n`
      : units.map(({ path, text }) => `# ${path}\n${text}\n`).join('')
    process.stdout.write(options.json === true ? `${JSON.stringify({ written, units, start })}\n` : said)
  } catch (error) {
    tellRefusal(options.json === true, `${(error as Error).message}.`)
    process.exitCode = 1
  }
}

/** Throws when a word would mean something else to systemd. */
export function unitText(name: (typeof UNITS)[number], home: string, options: string): string {
  const words = {
    GUISE: `${process.execPath} --disable-warning=ExperimentalWarning ${MAIN}`,
    HOME: home,
    OPTIONS: options,
  }
  // systemd.unit(5): % are specifiers, $ variables, quotes and backslashes group. A path with a blank would be two words.
  for (const [what, text] of Object.entries(words))
    if (/[%$"'\\\n\r;]/.test(text) || (what === 'HOME' && /\s/.test(text)))
      throw new Error(`${JSON.stringify(text)} has characters that mean something else in a unit. Use plain ones`)
  return readFileSync(join(TEMPLATES, name), 'utf8').replace(
    /@(GUISE|HOME|OPTIONS)@/g,
    (_, what: keyof typeof words) => words[what],
  )
}
