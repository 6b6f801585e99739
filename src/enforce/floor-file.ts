/**
 * Where the floor stands: `floor.yaml` in the agent's home, else `/etc/guise/floor.yaml`, else the defaults. Read through one
 * descriptor, and only when nobody but root could have written it. A file that is there and cannot be used throws a sentence
 * with its cure: falling back to the defaults would be what an attacker wants.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Compile } from 'typebox/compile'
import { parseDocument } from 'yaml'
import { parseCidr } from '../model/address.ts'
import { DEFAULT_FLOOR, type Floor, FloorText, floorOf } from './floor.ts'
import { floorPaths } from './floor-paths.ts'

export type FoundFloor = {
  /** null = no file: the defaults hold. */
  readonly path: string | null
  readonly floor: Floor
}

/** Starting again does not help against this. */
export class FloorUnfit extends Error {}

const MAX_BYTES = 1 << 20
const isFloor = Compile(FloorText)

export function findFloor(home: string): FoundFloor {
  for (const path of floorPaths(home)) {
    const text = readOwned(path)
    if (text !== null) return { path, floor: parseFloor(text, path) }
  }
  return { path: null, floor: DEFAULT_FLOOR }
}

/** null = there is none. */
function readOwned(path: string): string | null {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    if (code === 'ELOOP') throw new FloorUnfit(`${path} is a symbolic link. Put the floor itself there`)
    throw new FloorUnfit(`${path} cannot be read (${code}). Make it a file that root owns`)
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw new FloorUnfit(`${path} is no file. Make it a file that root owns`)
    if (stats.size > MAX_BYTES) throw new FloorUnfit(`${path} is larger than 1 MiB. Shorten it`)
    guard(path, stats)
    guard(dirname(path), statSync(dirname(path)))
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

function guard(path: string, { uid, mode }: Stats): void {
  if (uid !== 0)
    throw new FloorUnfit(`${path} belongs to user ${uid}, who could ask for anything. Run: chown root:root ${path}`)
  if ((mode & 0o022) !== 0)
    throw new FloorUnfit(
      `${path} may be written by others than root (mode ${(mode & 0o777).toString(8)}). Run: chmod go-w ${path}`,
    )
}

/** Throws `path: what is wrong, where. Cure`. */
export function parseFloor(text: string, path: string): Floor {
  const value = readYaml(text, path)
  if (!isFloor.Check(value)) {
    const fault = [...isFloor.Errors(value)][0]
    const where = fault?.instancePath === '' || fault === undefined ? 'the file' : fault.instancePath
    throw new FloorUnfit(
      `${path}: ${where} ${fault?.message ?? 'is not what it should be'}. See: guise agent floor init`,
    )
  }
  for (const [i, { cidr }] of (value.protected ?? []).entries())
    if (parseCidr(cidr) === null)
      throw new FloorUnfit(
        `${path}: /protected/${i}/cidr ${JSON.stringify(cidr)} is no network. Write it as 192.0.2.0/24`,
      )
  const { keys = {}, needed } = value.approvals ?? {}
  for (const [name, key] of Object.entries(keys))
    if (!/^ed25519:[A-Za-z0-9_-]{43}$/.test(key))
      throw new FloorUnfit(`${path}: the key of ${name} is none. Make one with: guise approver keygen`)
  if (needed !== undefined && needed > new Set(Object.values(keys)).size)
    throw new FloorUnfit(`${path}: ${needed} signatures are needed and fewer keys are there. Add keys, or lower needed`)
  return floorOf(value)
}

function readYaml(text: string, path: string): unknown {
  const document = parseDocument(text, { merge: false, uniqueKeys: true })
  const [error] = document.errors
  if (error !== undefined) throw new FloorUnfit(`${path} is no YAML: ${error.message.split('\n')[0]}`)
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    throw new FloorUnfit(`${path} uses an alias. Write it out`)
  }
}

/** What `init` writes: the defaults, written out, with what they mean. */
export const FLOOR_TEMPLATE = `# What a server may ever ask of this host. Only root may write this file; the agent refuses it otherwise.
# What is left out stands at its default; an empty list means nothing at all. Look at it with: guise agent floor show
version: 1

# Facets a server may set here.
facets: [${DEFAULT_FLOOR.facets.join(', ')}]

# Networks that no plan may cut off, and whose addresses no workload is given. The way to the server and the default
# gateway are always kept.
protected: []
#  - name: management network
#    cidr: 192.0.2.0/24
#    reach: both         # egress, ingress, both; none = only its addresses are kept
#    of: host            # host, or every = every workload here must keep it as well
#    protocol: tcp       # left out: every protocol
#    port: 22

# Packages a plan may install: name, or name=version.
packages: []

# The interface that copies of packets go to, for facet inspection. Left out: nothing is copied.
# sensor: sensor0

limits:
  workloads: ${DEFAULT_FLOOR.limits.workloads}
  changesPerMinute: ${DEFAULT_FLOOR.limits.changesPerMinute}
  rules: ${DEFAULT_FLOOR.limits.rules}
  sets: ${DEFAULT_FLOOR.limits.sets}
  elements: ${DEFAULT_FLOOR.limits.elements}
  machines: ${DEFAULT_FLOOR.limits.machines}
  machineMemoryMb: ${DEFAULT_FLOOR.limits.machineMemoryMb}
  machineCpus: ${DEFAULT_FLOOR.limits.machineCpus}
  messageBytes: ${DEFAULT_FLOOR.limits.messageBytes}
  containedFor: ${DEFAULT_FLOOR.limits.containedForMs / 86_400_000}d
  confirmWithin: ${DEFAULT_FLOOR.limits.confirmWithinMs / 3_600_000}h

# The least that a server may lower enforcement to.
leastMode: ${DEFAULT_FLOOR.leastMode}

# Signatures of people for plans of the high class: those that drop a fail-safe path or take enforcement off, and what is
# named here. Keys are made with: guise approver keygen
# approvals:
#   keys:
#     kim: ed25519:…
#     lee: ed25519:…
#   needed: 2
#   of: high            # every = each plan but containments
#   facets: [packages]
#   aboveShare: 0.5
`
