/** `guise agent`: becomes the supervisor, inside the namespace it is to work in. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { parseServer } from '../agent/link.ts'
import { parseSourceSpec, splitSpecs } from '../agent/source-spec.ts'
import type { AgentConfig } from '../agent.ts'
import { become, isInside, namespacePath } from '../enforce/enter.ts'
import { findFloor } from '../enforce/floor-file.ts'
import { plainText } from '../model/plain-text.ts'
import { registerFloor } from './agent-floor.ts'
import { registerUnits } from './agent-units.ts'
import { compileAhead } from './compile-ahead.ts'
import { supervisorArgv } from './supervisor-argv.ts'

type AgentOptions = {
  readonly inventory?: string
  readonly netns?: string
  readonly server: string
  readonly mode: string
  readonly home: string
  readonly id: string
  readonly hostDriver?: true
  readonly adopt?: true
  readonly caFingerprint?: string
  readonly enrolToken?: string
  readonly source: string[]
  readonly gateway: string[]
  readonly leases?: string
  readonly countCalls?: true
}

const MODES = ['off', 'observe', 'suggest', 'enforce']
/** sysexits.h: what is configured cannot work, and again will not help. */
const EX_CONFIG = 78

export function agentHome(): string {
  const { GUISE_AGENT_HOME, GUISE_HOME } = process.env
  return GUISE_AGENT_HOME ?? (GUISE_HOME === undefined ? '/var/lib/guise-agent' : `${GUISE_HOME}-agent`)
}

export function register(program: Command): void {
  const command = program
    .command('agent')
    .description('observe and enforce for the workloads of this host or router (root)')
    .option(
      '--inventory <file>',
      'workloads as JSON, namespaces.json beside it names those we may enter; without it the host itself is the workload',
    )
    .option('--netns <name>', 'work in this network namespace: name or path')
    .option('--server <where>', 'unix:PATH or https://HOST:PORT', 'unix:/var/lib/guise/server.sock')
    .addOption(
      // Refused in `start`, with the code that tells systemd not to try again.
      new Option('--mode <mode>', 'how far it goes')
        .choices(MODES)
        .argParser((mode) => mode)
        .default('observe'),
    )
    .option('--home <dir>', 'journal and spool (GUISE_AGENT_HOME)', agentHome())
    .option(
      '--id <id>',
      'name of this agent',
      hostname()
        .toLowerCase()
        .replace(/[^a-z0-9-]/g, '-'),
    )
    .option('--host-driver', 'the host itself is a workload, too (policies on input and output)')
    .option('--adopt', 'follow another control plane than the one remembered')
    .option('--ca-fingerprint <sha256:hex>', 'the CA to accept at the first contact over https; kept from then on')
    .option('--enrol-token <token>', 'single-use token for the first contact over https (GUISE_ENROL_TOKEN)')
    .option(
      '--source <spec>',
      'also read netflow=ADDRESS:PORT,exporter=CIDR,network=CIDR, zeek=PATH,network=CIDR or eve=PATH,network=CIDR; may be given again (GUISE_SOURCES: several, separated by blanks)',
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option(
      '--gateway <interface>',
      'devices on this interface that only route through here are workloads, each by its Ethernet address; may be given again (GUISE_GATEWAYS: several, separated by blanks)',
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option('--leases <file>', "names for them: dnsmasq's file of leases (GUISE_LEASES)")
    .option(
      '--count-calls',
      'count the system calls of every workload, not only of those whose inspection is full; it makes each call a little slower (GUISE_COUNT_CALLS=1)',
    )
    .action(agent)
  registerFloor(command, agentHome())
  registerUnits(command, agentHome())
}

function agent(options: AgentOptions): void {
  try {
    start(options)
  } catch (error) {
    process.stderr.write(`guise agent: ${(error as Error).message}.\n`)
    process.exitCode = EX_CONFIG
  }
}

function start(options: AgentOptions): void {
  if (process.platform !== 'linux') throw new Error('the agent needs Linux; elsewhere guise observe reads recordings')
  if (process.getuid?.() !== 0)
    throw new Error('the agent needs root, to read conntrack and write nftables. Run it with sudo')
  if (!MODES.includes(options.mode)) throw new Error(`--mode ${options.mode} is none of ${MODES.join(', ')}`)
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(options.id))
    throw new Error(`--id ${options.id} must be letters, digits, dots and dashes`)
  parseServer(options.server)
  const sources = [...splitSpecs(process.env.GUISE_SOURCES), ...options.source]
  for (const spec of sources) parseSourceSpec(spec)
  const gateways = [...new Set([...splitSpecs(process.env.GUISE_GATEWAYS), ...options.gateway])]
  const wrong = gateways.find((face) => !/^[A-Za-z0-9_.-]{1,15}$/.test(face))
  if (wrong !== undefined)
    throw new Error(`--gateway ${plainText(wrong, 40)} is no name of an interface; give one that ip link shows`)
  const leases = options.leases ?? process.env.GUISE_LEASES
  const caFingerprint = options.caFingerprint?.toLowerCase() ?? null
  if (caFingerprint !== null && !/^sha256:[0-9a-f]{64}$/.test(caFingerprint))
    throw new Error(
      `--ca-fingerprint ${caFingerprint} is not sha256: and 64 hex digits; copy it from guise token create`,
    )
  const home = resolve(options.home)
  const namespace = options.netns === undefined ? null : namespacePath(options.netns)
  mkdirSync(home, { recursive: true, mode: 0o700 })
  findFloor(home)
  // So that `guise panic --home DIR` finds the namespace when nothing else is left.
  writeFileSync(join(home, 'agent.json'), JSON.stringify({ netns: namespace }), { mode: 0o600 })
  const config: AgentConfig = {
    inventory: options.inventory === undefined ? ownInventory(home) : resolve(options.inventory),
    server: options.server,
    caFingerprint,
    mode: options.mode as AgentConfig['mode'],
    home,
    id: options.id,
    hostDriver: options.hostDriver === true || options.inventory === undefined ? 'host' : 'none',
    follow: options.adopt === true ? 'any-system' : 'same-system',
    gateway: { faces: gateways, leases: leases === undefined ? null : resolve(leases) },
    sources,
    countCalls: options.countCalls === true || process.env.GUISE_COUNT_CALLS === '1',
  }
  compileAhead()
  const env = { ...process.env, ...(options.enrolToken === undefined ? {} : { GUISE_ENROL_TOKEN: options.enrolToken }) }
  become(namespace === null || isInside(namespace) ? null : namespace, supervisorArgv(config), env)
}

/** A list that is empty until somebody writes into it: the host itself is added by its driver. */
function ownInventory(home: string): string {
  const path = join(home, 'inventory.json')
  if (!existsSync(path)) writeFileSync(path, '[]\n', { mode: 0o600 })
  return path
}
