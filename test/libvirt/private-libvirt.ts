/** A libvirt for a test alone: its daemon in a network namespace that is given, with folders of its own; nothing of the host's. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../bench/kill/range.ts'
import type { GuestImage } from '../../guest/build.ts'

const SCRIPT = new URL('./private-libvirtd.sh', import.meta.url).pathname

export type PrivateLibvirt = {
  readonly uri: string
  start(namespace: string): Promise<void>
  virsh(...argv: readonly string[]): string
  end(): Promise<void>
}

export function privateLibvirt(): PrivateLibvirt {
  const folder = mkdtempSync(join(tmpdir(), 'gvl-'))
  const uri = `qemu+unix:///system?socket=${join(folder, 'sock', 'libvirt-sock')}`
  const virsh = (...argv: readonly string[]) =>
    execFileSync('virsh', ['-q', '-c', uri, ...argv], { stdio: 'pipe', timeout: 120_000 }).toString()
  let daemon: ChildProcess | null = null
  const hasEnded = () => daemon === null || daemon.exitCode !== null || daemon.signalCode !== null
  return {
    uri,
    virsh,
    async start(namespace) {
      const argv = [`--net=${namespace}`, 'unshare', '--mount', 'sh', SCRIPT, folder]
      daemon = spawn('nsenter', argv, { stdio: ['ignore', 'ignore', 'inherit'] })
      await until('libvirt answers', 60_000, () => {
        if (hasEnded()) throw new Error(`libvirtd ended: ${logOf(folder)}`)
        try {
          return virsh('version').includes('libvirt')
        } catch {
          return false
        }
      })
    },
    async end() {
      daemon?.kill('SIGTERM')
      await until('libvirtd ends', 20_000, hasEnded)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function logOf(folder: string): string {
  try {
    return readFileSync(join(folder, 'log'), 'utf8').slice(-2_000)
  } catch {
    return 'it wrote no log'
  }
}

/** As somebody would define it who knows nothing of Guise: full emulation, the agent's port, our end's address on its link. */
export function definitionOf(name: string, link: string, gateway: string, image: GuestImage): string {
  const [address, prefix] = gateway.split('/')
  return `<domain type='qemu'>
  <name>${name}</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>${image.kernel}</kernel>
    <initrd>${image.initrd}</initrd>
    <cmdline>${image.append}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <interface type='ethernet'>
      <source><ip address='${address}' family='ipv4' prefix='${prefix}'/></source>
      <target dev='${link}'/>
      <model type='virtio'/>
      <rom enabled='no'/>
    </interface>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='virtio'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
`
}
