/**
 * The network of one host of the bench, made by `ip` as a container runtime would: a router, workloads behind a veth each,
 * and whoever is beyond: the control plane of the workloads and their resolver, at one address. All of it ends with a boot
 * but the resolver files, which are on the disk.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { feed, run } from '../../lab/namespace.ts'

export const BEYOND = '10.78.255.2'
export const NAME = 'control.guise.internal'

export type Spot = { readonly key: string; readonly face: string; readonly n: number }
export type Network = {
  readonly router: string
  readonly beyond: string
  readonly spots: readonly Spot[]
}

export function networkOf(prefix: string, workloads: number): Network {
  const spots = Array.from({ length: workloads }, (_, i) => ({ key: `${prefix}-w${i}`, face: `w${i}`, n: i + 1 }))
  return { router: `${prefix}-r`, beyond: `${prefix}-out`, spots }
}

/** What a workload has before anybody dresses it. */
export const addressesOf = (n: number, host = 2) => [`10.78.${n}.${host}/24`, `fd78:0:${n}::${host}/64`]
export const gatewaysOf = (n: number) => [`10.78.${n}.1`, `fd78:0:${n}::1`]

/** The host itself is up, nothing is attached to it. */
export async function makeRouter({ router, beyond }: Network): Promise<void> {
  await feed('ip', ['-batch', '-'], [`netns add ${router}`, `netns add ${beyond}`])
  const settings = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']
  await run('ip', ['netns', 'exec', router, 'sysctl', '-q', '-w', ...settings])
  await feed(
    'ip',
    ['-n', router, '-batch', '-'],
    [
      'link set lo up',
      `link add beyond type veth peer name eth0 netns ${beyond}`,
      'addr add 10.78.255.1/24 dev beyond',
      'link set beyond up',
    ],
  )
  await feed(
    'ip',
    ['-n', beyond, '-batch', '-'],
    ['link set lo up', `addr add ${BEYOND}/24 dev eth0`, 'link set eth0 up', 'route add default via 10.78.255.1'],
  )
}

export async function attach({ router }: Network, { key, face, n }: Spot): Promise<void> {
  const [v4, v6] = addressesOf(n)
  const [gateway4, gateway6] = gatewaysOf(n)
  if (!existsSync(`/etc/netns/${key}`)) {
    mkdirSync(`/etc/netns/${key}`, { recursive: true })
    writeFileSync(`/etc/netns/${key}/resolv.conf`, `nameserver ${BEYOND}\n`)
  }
  await run('ip', ['netns', 'add', key])
  await feed(
    'ip',
    ['-n', router, '-batch', '-'],
    [
      `link add ${face} type veth peer name eth0 netns ${key}`,
      `addr add ${gateway4}/24 dev ${face}`,
      `addr add ${gateway6}/64 dev ${face} nodad`,
      `link set ${face} up`,
    ],
  )
  await feed(
    'ip',
    ['-n', key, '-batch', '-'],
    [
      'link set lo up',
      `addr add ${v4} dev eth0`,
      `addr add ${v6} dev eth0 nodad`,
      'link set eth0 up',
      `route add default via ${gateway4} src ${v4!.split('/')[0]}`,
      `route add default via ${gateway6}`,
    ],
  )
}

/** As when the power goes: namespaces with their links, routes and tables; no file. */
export async function loseNamespaces({ router, beyond, spots }: Network): Promise<void> {
  const names = [...spots.map(({ key }) => key), beyond, router].filter((name) => existsSync(`/run/netns/${name}`))
  await feed(
    'ip',
    ['-batch', '-'],
    names.map((name) => `netns del ${name}`),
  )
}

export async function removeNetwork(network: Network): Promise<void> {
  await loseNamespaces(network)
  for (const { key } of network.spots) rmSync(`/etc/netns/${key}`, { recursive: true, force: true })
}
