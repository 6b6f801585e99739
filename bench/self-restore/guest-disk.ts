/** What the emulated host is made of: this source tree laid over its image, and a disk with the home of its agent. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { GuestImage } from '../../guest/build.ts'
import { cpioArchive, type Entry } from '../../guest/cpio.ts'
import { UNITS, unitText } from '../../src/cli/agent-units.ts'
import type { WorkloadReport } from '../../src/model/wire.ts'

const ROOT = new URL('../..', import.meta.url).pathname
/** What the agent and `restore-base` load. */
const PACKAGES = ['typebox', 'yaml', 'commander', 'ipaddr.js', 'koffi', '@koromix/koffi-linux-x64']
const PATTERNS = [
  'package.json',
  'src/**/*.{ts,json}',
  'packaging/**',
  ...PACKAGES.map((name) => `node_modules/${name}/**`),
]

export const HOME = '/persist/agent'
export const WORKLOADS = ['wa', 'wb'] as const
export const addressOf = (i: number, host: number) => `10.79.${i + 1}.${host}`

/** Containers as a runtime would make them anew at each boot, and the uplink. */
const NETWORK = [
  '#!/bin/sh',
  ...WORKLOADS.flatMap((name, i) => [
    `/usr/bin/ip netns add ${name}`,
    `/usr/bin/ip link add ${name} type veth peer name eth0 netns ${name}`,
    `/usr/bin/ip addr add ${addressOf(i, 1)}/24 dev ${name}`,
    `/usr/bin/ip link set ${name} up`,
    `/usr/bin/ip -n ${name} link set lo up`,
    `/usr/bin/ip -n ${name} addr add ${addressOf(i, 2)}/24 dev eth0`,
    `/usr/bin/ip -n ${name} link set eth0 up`,
    `/usr/bin/ip -n ${name} route add default via ${addressOf(i, 1)} src ${addressOf(i, 2)}`,
  ]),
  '/usr/bin/ip addr add 10.79.0.2/24 dev eth0',
  '/usr/bin/ip link set eth0 up',
  '',
].join('\n')

/** The image with ours behind it: the kernel unpacks one archive after the other. */
export function layOver(image: GuestImage, dir: string, server: string, without: readonly string[]): GuestImage {
  const entries: Entry[] = []
  const folders = new Set<string>()
  const folder = (path: string) => {
    if (path === '.' || folders.has(path)) return
    folder(dirname(path))
    folders.add(path)
    entries.push({ path, kind: 'folder' })
  }
  const file = (path: string, bytes: Uint8Array, mode = 0o644) => {
    folder(dirname(path))
    entries.push({ path, kind: 'file', bytes, mode })
  }
  for (const path of globSync(PATTERNS, { cwd: ROOT, exclude: (name) => /\.test\.ts$/.test(name) }).sort())
    if (statSync(join(ROOT, path)).isFile()) file(`opt/guise/${path}`, readFileSync(join(ROOT, path)))
  const options = `--inventory /persist/inventory.json --server ${server} --mode enforce --id guest`
  for (const name of UNITS.filter((one) => !without.includes(one))) {
    const text = unitText(name, HOME, options)
      .replaceAll(process.execPath, '/usr/bin/node')
      .replaceAll(ROOT, '/opt/guise/')
    file(`etc/systemd/system/${name}`, Buffer.from(text))
  }
  file('etc/network.sh', Buffer.from(NETWORK), 0o755)
  const initrd = join(dir, 'initrd')
  copyFileSync(image.initrd, initrd)
  // Each archive begins at a multiple of four (buffer-format.rst).
  const gap = Buffer.alloc((4 - (statSync(initrd).size % 4)) % 4)
  writeFileSync(initrd, Buffer.concat([gap, cpioArchive(entries)]), { flag: 'a' })
  return { ...image, initrd }
}

/** A disk with what an administrator and an enrolment left on it. */
export function makeDisk(dir: string, ca: string): string {
  const content = join(dir, 'content')
  for (const folder of ['agent', 'cache']) mkdirSync(join(content, folder), { recursive: true, mode: 0o700 })
  writeFileSync(join(content, 'agent', 'id'), JSON.stringify({ id: 'guest', token: 'guest' }), { mode: 0o600 })
  writeFileSync(join(content, 'agent', 'server-ca.pem'), ca, { mode: 0o600 })
  const reports = WORKLOADS.map(
    (name, i): WorkloadReport => ({
      key: name,
      name,
      kind: 'container' as WorkloadReport['kind'],
      driver: 'netns',
      interface: name,
      addresses: [addressOf(i, 2)],
      labels: {},
    }),
  )
  writeFileSync(join(content, 'inventory.json'), JSON.stringify(reports))
  writeFileSync(
    join(content, 'namespaces.json'),
    JSON.stringify(Object.fromEntries(WORKLOADS.map((name) => [name, `/run/netns/${name}`]))),
  )
  for (const name of WORKLOADS) {
    mkdirSync(join(content, 'netns', name), { recursive: true })
    writeFileSync(join(content, 'netns', name, 'resolv.conf'), 'nameserver 10.79.0.1\n')
  }
  const [raw, disk] = [join(dir, 'disk.raw'), join(dir, 'disk.qcow2')]
  execFileSync('mkfs.ext4', ['-q', '-d', content, raw, '64M'], { stdio: 'pipe' })
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, disk], { stdio: 'pipe' })
  return disk
}
