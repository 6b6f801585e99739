/**
 * Runs apt and dpkg of a workload inside its root: in a container by its runtime, with what the container may do and no
 * more; in another root confined alike (own mounts and processes, its own network, without the capabilities that lead
 * out). What runs there is the workload's own program, so nothing it says is believed beyond its form. Fixed argv.
 */
import { spawn } from 'node:child_process'
import { containerId, runtimeOf } from '../../drivers/container/runtimes.ts'
import { effect } from '../../fault.ts'
import { NAMESPACE_PATH } from '../../step.ts'

export type Spot = { readonly key: string; readonly namespace: string | null; readonly root: string | null }
export type Program = 'apt-get' | 'apt-cache' | 'apt-mark' | 'dpkg'

export const ARCHIVES = '/var/cache/guise-packages'
/** apt-get(8), apt.conf(5). Configuration files that somebody changed stay as they are (dpkg(1), --force-confold). */
export const APT = [
  ...['-q', '-y', '--no-install-recommends', '--allow-downgrades', '--allow-change-held-packages'],
  ...['-o', 'Dpkg::Use-Pty=0', '-o', 'DPkg::Lock::Timeout=60', '-o', `Dir::Cache::archives=${ARCHIVES}/`],
  ...['-o', 'Dpkg::Options::=--force-confold', '-o', 'Dpkg::Options::=--force-confdef'],
] as const
const ENVIRONMENT = {
  DEBIAN_FRONTEND: 'noninteractive',
  LC_ALL: 'C.UTF-8',
  HOME: '/',
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
}
/** What a program would need to leave its root, or to change the host from there (capabilities(7)). */
const DROPPED = [
  ...['sys_admin', 'sys_chroot', 'sys_ptrace', 'sys_module', 'sys_rawio', 'sys_boot', 'sys_time', 'sys_nice'],
  ...['sys_resource', 'sys_pacct', 'sys_tty_config', 'syslog', 'mknod', 'net_admin', 'net_raw', 'net_bind_service'],
  ...['dac_read_search', 'linux_immutable', 'ipc_lock', 'ipc_owner', 'lease', 'mac_admin', 'mac_override', 'setpcap'],
  ...[
    'audit_control',
    'audit_read',
    'audit_write',
    'wake_alarm',
    'block_suspend',
    'bpf',
    'perfmon',
    'checkpoint_restore',
  ],
]
  .map((name) => `cap_${name}`)
  .join(',')
const LONGEST_MS = 600_000
const MOST_BYTES = 4 << 20

/** How it is started, from our own namespaces. Throws a sentence where it cannot be. */
export function argvInside({ key, namespace, root }: Spot, program: Program, argv: readonly string[]): string[] {
  const path = `/usr/bin/${program}`
  const id = containerId(key)
  if (id !== null) {
    const runtime = runtimeOf(key)
    if (runtime === null) throw new Error(`no runtime of this host has ${key}`)
    const environment = Object.entries(ENVIRONMENT).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    return ['runc', '--root', runtime, 'exec', '--cwd', '/', ...environment, id, path, ...argv]
  }
  if (root === null) throw new Error(`${key} has no root directory for packages`)
  if (namespace !== null && !NAMESPACE_PATH.test(namespace))
    throw new Error(`not a namespace path: ${JSON.stringify(namespace)}`)
  return [
    ...(namespace === null ? [] : ['nsenter', `--net=${namespace}`]),
    ...['unshare', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', `--mount-proc=${root}/proc`],
    ...['capsh', `--chroot=${root}`, `--drop=${DROPPED}`, '--no-new-privs', `--shell=${path}`, '--', ...argv],
  ]
}

/** Only looks. Resolves with stdout. */
export function ask(spot: Spot, program: Program, argv: readonly string[]): Promise<string> {
  return execute(argvInside(spot, program, argv))
}

/** Changes something. */
export function act(spot: Spot, program: Program, argv: readonly string[]): Promise<string> {
  return effect(program, () => execute(argvInside(spot, program, argv)))
}

function execute([file = '', ...argv]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, {
      cwd: '/',
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_MS,
      killSignal: 'SIGKILL',
    })
    let [out, complaint] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      if (out.length < MOST_BYTES) out += chunk.toString('latin1')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < 4_000) complaint += chunk.toString('latin1')
    })
    child.on('error', (error) => reject(new Error(`${file} did not start: ${error.message}`)))
    child.on('close', (code, signal) =>
      code === 0 ? resolve(out) : reject(new Error(wordsOf(complaint) ?? `${file} ended with ${code ?? signal}`)),
    )
  })
}

/** apt's own errors, one line, without what could move a terminal. */
function wordsOf(complaint: string): string | null {
  const lines = complaint.split('\n').filter((line) => /^(?:E|dpkg): /.test(line))
  const text = (lines.length > 0 ? lines : complaint.split('\n')).join(' ').replace(/[^\x20-\x7e]+/g, ' ')
  return text.trim() === '' ? null : text.trim().slice(0, 300)
}
