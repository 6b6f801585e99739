/** `guise agent`: becomes the supervisor, inside the namespace it is to work in. */

import { hostname } from 'node:os'
import { type Command, Option } from 'commander'
import { registerFloor } from './agent-floor.ts'
import type { AgentOptions } from './agent-start.ts'
import { registerUnits } from './agent-units.ts'
import { agentHome } from './in-namespace.ts'

const MODES = ['off', 'observe', 'suggest', 'enforce']
/** sysexits.h: what is configured cannot work, and again will not help. */
const EX_CONFIG = 78

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
      // Refused below, with the code that tells systemd not to try again.
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

async function agent(options: AgentOptions): Promise<void> {
  // Not before: the rules before the network are loaded by a command of this group, too. A disk that fails now may not the next time.
  const { startAgent } = await import('./agent-start.ts')
  try {
    if (!MODES.includes(options.mode)) throw new Error(`--mode ${options.mode} is none of ${MODES.join(', ')}`)
    startAgent(options)
  } catch (error) {
    process.stderr.write(`guise agent: ${(error as Error).message}.\n`)
    process.exitCode = EX_CONFIG
  }
}
