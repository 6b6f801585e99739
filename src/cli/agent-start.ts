/** What `guise agent` was told is judged, and the process becomes the supervisor. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseServer } from '../agent/link.ts'
import { parseSourceSpec, splitSpecs } from '../agent/source-spec.ts'
import type { AgentConfig } from '../agent.ts'
import { become, isInside, namespacePath } from '../enforce/enter.ts'
import { findFloor } from '../enforce/floor-file.ts'
import { plainText } from '../model/plain-text.ts'
import { compileAhead } from './compile-ahead.ts'
import { supervisorArgv } from './supervisor-argv.ts'

export type AgentOptions = {
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

/** Throws a sentence with its cure. */
export function startAgent(options: AgentOptions): void {
  if (process.platform !== 'linux') throw new Error('the agent needs Linux; elsewhere guise observe reads recordings')
  if (process.getuid?.() !== 0)
    throw new Error('the agent needs root, to read conntrack and write nftables. Run it with sudo')
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
