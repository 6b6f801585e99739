/**
 * The only ways in which Guise writes to a host: nft text, `ip` batches (in a registered namespace or our own), `tc`
 * batches, limits of a cgroup, one kind of file. Fixed argv, text on stdin, no shell. Depends on `node:` alone, so that
 * the supervisor can take a change back.
 */
import { spawn } from 'node:child_process'
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { type LeaseStep, tell } from './drivers/leases.ts'
import type { MachineState } from './drivers/power.ts'
import { GUEST_PATH, runInGuest } from './drivers/qemu/guest-agent.ts'
import { type GuestStep, runGuestStep } from './drivers/qemu/guest-step.ts'
import { changePackages } from './facets/packages/change.ts'
import type { Spot as RootSpot } from './facets/packages/inside-root.ts'
import type { Pack } from './facets/packages/record.ts'
import { convergeFiles, type Installed, type Spot as TlsSpot } from './facets/tls/install.ts'
import type { Spot } from './facets/vpn/engine.ts'
import { convergeTunnel, type Tunnel } from './facets/vpn/tunnel.ts'
import { effect, effectSync } from './fault.ts'

export type Step =
  | { readonly run: 'nft'; readonly text: string; readonly lenient?: true }
  /** In our own namespace. */
  | { readonly run: 'tc'; readonly lines: readonly string[]; readonly lenient?: true }
  /** Limits of a cgroup, file by file; a cgroup that is gone has none. */
  | {
      readonly run: 'cgroup'
      readonly writes: readonly (readonly [path: string, text: string])[]
      readonly lenient?: true
    }
  /** `lenient`: a line that fails (what it would remove is gone) does not end the batch. */
  | {
      readonly run: 'ip'
      readonly namespace: string | null
      readonly lines: readonly string[]
      readonly lenient?: true
    }
  /** `/etc/netns/NAME/resolv.conf`; null = not there. */
  | { readonly run: 'resolver'; readonly path: string; readonly text: string | null }
  | GuestStep
  /** What a guest without an agent is told, of its link. */
  | LeaseStep
  /** The tunnel of a workload, whole; its keys are read from `secrets`, a folder. */
  | ({ readonly run: 'vpn'; readonly tunnel: Tunnel | null; readonly secrets: string } & Spot)
  /** The certificates of a workload, whole; keys are read from `home`, the agent's own. */
  | ({ readonly run: 'tls'; readonly certificates: readonly Installed[]; readonly home: string } & TlsSpot)
  /** The packages of a workload that are ours, whole; what was done to them is written in `home`. */
  | ({ readonly run: 'packages'; readonly packs: readonly Pack[]; readonly home: string } & RootSpot)
  /** Power and size of the machine that this workload is; its definition is in `home`, or libvirt's. */
  | { readonly run: 'machine'; readonly key: string; readonly state: MachineState; readonly home: string }

export const NAMESPACE_PATH = /^\/(?:var\/)?run\/netns\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/
/** Of a namespace; or of a container, where podman and Docker keep it, outside of what it can reach itself. */
export const RESOLVER_PATH =
  /^(?:\/etc\/netns\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}|(?:\/(?!\.)[\w.@+-]+)+\/(?:overlay-containers\/[0-9a-f]{64}\/userdata|containers\/[0-9a-f]{64}))\/resolv\.conf$/
const LIMIT_PATH =
  /^\/sys\/fs\/cgroup\/[\w@.:/\\-]+\/(cpu\.(max|weight|shares|cfs_quota_us|cfs_period_us)|memory\.(max|limit_in_bytes))$/
const STEP_TIMEOUT_MS = 30_000
/** Less than one string may hold (V8); an address in a set takes less than a hundred of them as JSON. */
const MOST_BYTES = 256 << 20

/** Throws with what was attempted and the program's own words. */
export async function runStep(step: Step): Promise<void> {
  if (!isNothing(step)) await perform(step)
}

function isNothing(step: Step): boolean {
  if (step.run === 'nft') return step.text === ''
  if (step.run === 'cgroup') return step.writes.length === 0
  return (step.run === 'ip' || step.run === 'tc') && step.lines.length === 0
}

async function perform(step: Step): Promise<void> {
  switch (step.run) {
    case 'nft':
      await effect('nft', () => allowing(step, command('nft', ['-f', '-'], step.text)))
      return
    case 'ip':
      await batch(step, step.namespace)
      return
    case 'tc':
      await batch(step, null)
      return
    case 'cgroup':
      for (const [path, text] of step.writes) await allowing(step, writeLimit(path, text))
      return
    case 'resolver':
      writeResolver(step.path, step.text)
      return
    case 'guest':
      await (step.lenient === true ? runGuestStep(step).catch(() => {}) : runGuestStep(step))
      return
    case 'vpn':
      await convergeTunnel({ key: step.key, namespace: step.namespace }, step.tunnel, step.secrets)
      return
    case 'tls':
      convergeFiles({ key: step.key, namespace: step.namespace, root: step.root }, step.certificates, step.home)
      return
    case 'packages':
      await changePackages(
        { key: step.key, namespace: step.namespace, root: step.root },
        step.packs,
        step.home,
        'add and remove',
      )
      return
    case 'lease': {
      const { run: _, face, ...changes } = step
      await tell(face, changes, command)
      return
    }
    case 'machine': {
      // With what reads definitions, which the supervisor loads for nobody else.
      const { powerMachine, sizeMachine } = await import('./drivers/power.ts')
      await sizeMachine(step.key, step.state, step.home)
      await powerMachine(step.key, step.state, step.home)
    }
  }
}

async function batch(step: Extract<Step, { run: 'ip' | 'tc' }>, namespace: string | null): Promise<void> {
  const argv = [...(step.lenient === true ? ['-force'] : []), '-batch', '-']
  await effect(step.run, () => allowing(step, inside(namespace, step.run, argv, `${step.lines.join('\n')}\n`)))
}

async function allowing(step: { readonly lenient?: true }, done: Promise<unknown>): Promise<void> {
  await (step.lenient === true ? done.catch(() => {}) : done)
}

/** The kernel's answer to write(2) is its verdict: EBUSY when the memory in use cannot be squeezed below the limit. */
async function writeLimit(path: string, text: string): Promise<void> {
  if (!LIMIT_PATH.test(path) || path.includes('/../'))
    throw new Error(`not a limit of a cgroup: ${JSON.stringify(path)}`)
  try {
    effectSync('limit', () => writeFileSync(path, text, { flag: 'r+' }))
  } catch (error) {
    throw new Error(`write ${JSON.stringify(text)} to ${path}: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** In our own namespace (null), in another, or in a guest by the socket of its agent. */
export function inside(
  namespace: string | null,
  program: string,
  argv: readonly string[],
  input = '',
): Promise<string> {
  if (namespace === null) return command(program, argv, input)
  if (GUEST_PATH.test(namespace)) return runInGuest(namespace, program, argv, input)
  if (!NAMESPACE_PATH.test(namespace)) throw new Error(`not a namespace path: ${JSON.stringify(namespace)}`)
  return command('nsenter', [`--net=${namespace}`, program, ...argv], input)
}

/** Resolves with stdout; one that says more than `mostBytes` is ended. */
export function command(program: string, argv: readonly string[], input = '', mostBytes = MOST_BYTES): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...argv], {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: STEP_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    const out: Buffer[] = []
    let bytes = 0
    let complaint = ''
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= mostBytes) return out.push(chunk)
      out.length = 0
      effectSync('kill', () => child.kill('SIGKILL'))
      reject(new Error(`${program} ${argv.join(' ')} says more than ${mostBytes} bytes`))
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < 2_000) complaint += chunk.toString('utf8')
    })
    // A program that ends early breaks the pipe; its exit code says why.
    child.stdin.on('error', () => {})
    child.on('error', (error) => reject(new Error(`${program} did not start: ${error.message}`)))
    child.on('close', (code, signal) =>
      code === 0
        ? resolve(Buffer.concat(out).toString('utf8'))
        : reject(
            new Error(`${program} ${argv.join(' ')} ended with ${code ?? signal}: ${complaint.trim().slice(0, 600)}`),
          ),
    )
    child.stdin.end(input)
  })
}

/**
 * Written in place: `ip netns exec` bind-mounts the file, and a rename would leave every running program with the old
 * one. Padding with empty lines to the old length makes it one write; at no moment is the file empty or torn.
 */
function writeResolver(path: string, text: string | null): void {
  if (!RESOLVER_PATH.test(path)) throw new Error(`not a resolver file: ${JSON.stringify(path)}`)
  if (text === null) {
    effectSync('resolver remove', () => rmSync(path, { force: true }))
    return
  }
  const bytes = Buffer.from(text)
  let fd: number
  try {
    fd = openSync(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    effectSync('resolver mkdir', () => mkdirSync(dirname(path), { recursive: true }))
    const temporary = `${path}.guise`
    const made = openSync(temporary, 'w', 0o644)
    effectSync('resolver write', () => writeSync(made, bytes))
    effectSync('resolver fsync', () => fsyncSync(made))
    closeSync(made)
    effectSync('resolver rename', () => renameSync(temporary, path))
    return
  }
  try {
    const padded = Buffer.concat([bytes, Buffer.alloc(Math.max(0, 4_096 - bytes.length), 10)])
    effectSync('resolver write', () => writeSync(fd, padded, 0, undefined, 0))
    effectSync('resolver cut', () => ftruncateSync(fd, bytes.length))
    effectSync('resolver fsync', () => fsyncSync(fd))
  } finally {
    closeSync(fd)
  }
}
