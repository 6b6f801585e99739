/**
 * The `network` facet of a namespace behind a routed veth: its addresses, default gateways and preferred source, and the
 * gateway addresses on our end. A change is made before the old is broken: `prepareLines` adds, `switchLines` moves the
 * preferred source, the old lingers for the connections that use it, `finishLines` deletes; `converge` is all three from
 * whatever is there.
 */
import { type Cidr, cidrContains, isV4, parseAddress } from '../../model/address.ts'
import type { DesiredState } from '../../model/desired.ts'
import { doorOf, type FacetPart, type Lingering, type Place, type Probe } from '../facet.ts'
import { effect } from '../fault.ts'
import { command, inside, runStep, type Step } from '../step.ts'
import { forgetSources } from './vpn/forget-sources.ts'

export type NetworkState = {
  readonly device: string
  /** `10.0.0.5/24`, global scope, the preferred source of each family first. */
  readonly addresses: readonly string[]
  readonly gateways: readonly string[]
  /** IPv6 addresses that new connections do not use any more: a change was left half way. */
  readonly deprecated?: readonly string[]
  /** On our end of the veth. */
  readonly router: {
    readonly device: string
    readonly addresses: readonly string[]
    readonly routes: readonly string[]
  }
}
type NetworkWish = NonNullable<DesiredState['network']>
/** `namespace` null = our own. */
type Lines = { readonly namespace: string | null; readonly lines: readonly string[] }

type AddressInfo = {
  family: string
  local: string
  prefixlen: number
  scope: string
  secondary?: boolean
  deprecated?: boolean
}
type LinkInfo = { ifname: string; ifindex: number; link_index?: number; addr_info: AddressInfo[] }
type RouteInfo = { dst: string; gateway?: string; prefsrc?: string; dev?: string; protocol?: string; scope?: string }

/** Marks routes as ours in `ip route` (rtnetlink(7): 5–255 are free for user space). */
const PROTOCOL = '186'

export const network: FacetPart<NetworkWish, NetworkState> = {
  facet: 'network',
  noticed: ['link'],
  refusal: (place) =>
    doorOf(place) === null
      ? 'it has no registered namespace, and no guest agent'
      : place.face === null
        ? 'it has no link of its own on this host'
        : null,
  capture: (place) => capture(place),
  wanted: (_, original, wish) => wantedNetwork(original, wish),
  async converge(place, wanted) {
    const { namespace } = linked(place)
    const found = await capture(place)
    if (normalise(found) === normalise(wanted)) return
    await keepSecondaries(namespace)
    await runAll(prepareLines(namespace, found, wanted))
    await runAll([switchLines(namespace, found, wanted)])
    await moveTunnel(place)
    await runAll(finishLines(namespace, await capture(place), wanted))
  },
  normalise,
  undo: (place, from, to) => undoSteps(linked(place).namespace, from, to),
  stages: {
    async prepare(place, from, to) {
      await keepSecondaries(linked(place).namespace)
      await runAll(prepareLines(linked(place).namespace, from, to))
    },
    async switch(place, from, to) {
      await runAll([switchLines(linked(place).namespace, from, to)])
      await moveTunnel(place)
    },
    finish: (place, from, to) => runAll(finishLines(linked(place).namespace, from, to)),
    linger,
    isUsed: (place, addresses) => isUsed(linked(place).namespace, addresses),
  },
  /** New addresses must answer on their link. */
  probes: (place, from, to) =>
    to.addresses
      .filter((address) => !from.addresses.includes(address))
      .map((address) => () => answers(linked(place).face, address.split('/')[0]!)),
}

function linked(place: Place): { namespace: string; face: string } {
  const [namespace, face] = [doorOf(place), place.face]
  if (namespace === null || face === null) throw new Error(`${place.key} cannot be entered behind a link of ours`)
  return { namespace, face }
}

async function moveTunnel({ key, namespace }: Place): Promise<void> {
  if (namespace !== null) await forgetSources({ key, namespace })
}

async function runAll(batches: readonly Lines[]): Promise<void> {
  for (const { namespace, lines } of batches) await runStep({ run: 'ip', namespace, lines })
}

async function answers(face: string, address: string): Promise<Probe> {
  const ok = await command('ping', ['-n', '-q', '-c', '3', '-i', '0.2', '-W', '1', '-I', face, address]).then(
    () => true,
    () => false,
  )
  return { name: `address ${address}`, ok, detail: ok ? 'answers on its link' : 'does not answer on its link' }
}

async function capture(place: Place): Promise<NetworkState> {
  const { namespace, face } = linked(place)
  const ours = parse<LinkInfo[]>(await inside(null, 'ip', ['-j', 'addr', 'show', 'dev', face]))[0]
  const links = parse<LinkInfo[]>(await inside(namespace, 'ip', ['-j', 'addr']))
  const device =
    links.find((link) => place.namespace !== null && link.link_index === ours?.ifindex && link.ifname !== 'lo') ??
    links.find((link) => link.ifname !== 'lo')
  if (ours === undefined || device === undefined) throw new Error(`${namespace} has no interface behind ${face}`)
  const route4 = parse<RouteInfo[]>(await inside(namespace, 'ip', ['-j', 'route', 'show', 'default']))[0]
  const route6 = parse<RouteInfo[]>(await inside(namespace, 'ip', ['-6', '-j', 'route', 'show', 'default']))[0]
  const routes = [
    ...parse<RouteInfo[]>(await inside(null, 'ip', ['-j', 'route', 'show', 'dev', face, 'proto', PROTOCOL])),
    ...parse<RouteInfo[]>(await inside(null, 'ip', ['-6', '-j', 'route', 'show', 'dev', face, 'proto', PROTOCOL])),
  ]
  const rank = (info: AddressInfo) =>
    info.local === route4?.prefsrc ? 0 : info.secondary === true || info.deprecated === true ? 2 : 1
  return {
    device: device.ifname,
    addresses: device.addr_info
      .filter(isGlobal)
      .sort((a, b) => rank(a) - rank(b))
      .map(text),
    deprecated: device.addr_info.filter((info) => isGlobal(info) && info.deprecated === true).map(text),
    gateways: [route4, route6].flatMap((route) => (route?.gateway === undefined ? [] : [route.gateway])),
    router: {
      device: face,
      addresses: ours.addr_info.filter(isGlobal).map(text),
      routes: routes.map(({ dst }) => dst),
    },
  }
}

/** Else the kernel deletes every secondary address together with the primary one (ip-sysctl.rst). */
async function keepSecondaries(namespace: string): Promise<void> {
  await effect('sysctl', () => inside(namespace, 'sysctl', ['-qw', 'net.ipv4.conf.all.promote_secondaries=1']))
}

/** What a desired profile means here, from what is there now. Throws when an address is none. */
export function wantedNetwork(now: NetworkState, network: NetworkWish): NetworkState {
  const subnets = network.addresses.map((address) => ({ address, cidr: subnetOf(address) }))
  const router = network.gateways.flatMap((gateway) => {
    const words = parseAddress(gateway)
    const home = subnets.find(({ cidr }) => words !== null && cidrContains(cidr, words))
    return home === undefined ? [] : [`${gateway}/${lengthOf(home.address)}`]
  })
  const families = new Set(network.gateways.map((gateway) => gateway.includes(':')))
  const kept = now.router.addresses.filter((address) => !families.has(address.includes(':')))
  const covered = [...router, ...kept].map(subnetOf)
  const routes = network.addresses
    .map((address) => address.split('/')[0]!)
    .filter((address) => {
      const words = parseAddress(address)
      return words !== null && !covered.some((cidr) => cidrContains(cidr, words))
    })
  const addresses = network.addresses.map((address) =>
    address.includes('/') ? address : `${address}/${address.includes(':') ? 128 : 32}`,
  )
  return {
    device: now.device,
    addresses,
    gateways: network.gateways,
    router: { device: now.router.device, addresses: [...kept, ...router], routes },
  }
}

function linger(from: NetworkState, to: NetworkState): Lingering<NetworkState> | null {
  const old = missing(from.addresses, to.addresses)
  if (old.length === 0) return null
  const hasGateway = (family: boolean) => to.gateways.some((gateway) => gateway.includes(':') === family)
  const { router } = to
  return {
    meanwhile: {
      ...to,
      addresses: [...to.addresses, ...old],
      deprecated: old.filter((address) => address.includes(':')),
      gateways: [...to.gateways, ...from.gateways.filter((gateway) => !hasGateway(gateway.includes(':')))],
      router: {
        ...router,
        addresses: [...router.addresses, ...missing(from.router.addresses, router.addresses)],
        routes: [...router.routes, ...missing(from.router.routes, router.routes)],
      },
    },
    addresses: old.map(bareAddress),
    instead: to.addresses.map(bareAddress),
  }
}

/** Sockets of the workload itself that were joined once; where they cannot be counted, its time is all that ends it. */
async function isUsed(namespace: string, addresses: readonly string[]): Promise<boolean> {
  const from = addresses.flatMap((address, i) => [
    ...(i === 0 ? [] : ['or']),
    'src',
    address.includes(':') ? `[${address}]` : address,
  ])
  const states = ['state', 'connected', 'exclude', 'time-wait', 'exclude', 'syn-sent']
  return inside(namespace, 'ss', ['-Htun', ...states, '(', ...from, ')']).then(
    (said) => said.trim() !== '',
    () => true,
  )
}

function prepareLines(namespace: string, from: NetworkState, to: NetworkState): Lines[] {
  const face = to.router.device
  return [
    {
      namespace: null,
      lines: [
        ...missing(to.router.addresses, from.router.addresses).map(
          (address) => `addr replace ${address} dev ${face}${quick(address)}`,
        ),
        ...missing(to.router.routes, from.router.routes).map(
          (address) => `route replace ${address} dev ${face} proto ${PROTOCOL}`,
        ),
      ],
    },
    {
      namespace,
      lines: missing(to.addresses, from.addresses).map(
        (address) => `addr replace ${address} dev ${to.device}${quick(address)}`,
      ),
    },
  ]
}

/** New connections use the new address; IPv6 has no `src` worth using, its old addresses are deprecated instead (RFC 6724 rule 3). */
function switchLines(namespace: string, from: NetworkState, to: NetworkState): Lines {
  const source4 = to.addresses.find((address) => !address.includes(':'))?.split('/')[0]
  const deprecated = to.deprecated ?? []
  const old6 = [...missing(from.addresses, to.addresses).filter((address) => address.includes(':')), ...deprecated]
  const gone = from.gateways.filter(
    (old) => !to.gateways.some((gateway) => gateway.includes(':') === old.includes(':')),
  )
  return {
    namespace,
    lines: [
      ...to.gateways.map((gateway) => {
        const source = gateway.includes(':') || source4 === undefined ? '' : ` src ${source4}`
        return `route replace default via ${gateway} dev ${to.device}${source}${onLink(gateway, to)}`
      }),
      ...gone.map((gateway) => `route del default via ${gateway} dev ${to.device}`),
      ...old6.map((address) => `addr change ${address} dev ${to.device} preferred_lft 0`),
      ...to.addresses
        .filter((address) => address.includes(':') && !deprecated.includes(address))
        .map((address) => `addr change ${address} dev ${to.device} valid_lft forever preferred_lft forever`),
    ],
  }
}

function finishLines(namespace: string, from: NetworkState, to: NetworkState): Lines[] {
  const face = to.router.device
  return [
    {
      namespace,
      lines: missing(from.addresses, to.addresses).map((address) => `addr del ${address} dev ${to.device}`),
    },
    {
      namespace: null,
      lines: [
        ...missing(from.router.routes, to.router.routes).map(
          (address) => `route del ${address} dev ${face} proto ${PROTOCOL}`,
        ),
        ...missing(from.router.addresses, to.router.addresses).map((address) => `addr del ${address} dev ${face}`),
      ],
    },
  ]
}

/** For the supervisor, which cannot look first: back from `to`, or from any step towards it. */
function undoSteps(namespace: string, from: NetworkState, to: NetworkState): Step[] {
  const batches = [
    ...prepareLines(namespace, { ...to, addresses: [], router: { ...to.router, addresses: [], routes: [] } }, from),
    switchLines(namespace, to, from),
    ...finishLines(namespace, to, from),
  ]
  return batches.map((batch) => ({ run: 'ip', ...batch, lenient: true }))
}

function normalise(state: NetworkState): string {
  const source4 = state.addresses.find((address) => !address.includes(':')) ?? null
  const { router } = state
  return JSON.stringify([
    [...(state.deprecated ?? [])].sort(),
    [...state.addresses].sort(),
    source4,
    [...state.gateways].sort(),
    [...router.addresses].sort(),
    [...router.routes].sort(),
  ])
}

/** A gateway outside every subnet of ours is reached all the same, if it is behind this link. */
function onLink(gateway: string, state: NetworkState): string {
  const words = parseAddress(gateway)
  return words !== null && state.addresses.some((address) => cidrContains(subnetOf(address), words)) ? '' : ' onlink'
}

const quick = (address: string) => (address.includes(':') ? ' nodad' : '')
const missing = (wanted: readonly string[], from: readonly string[]) => wanted.filter((item) => !from.includes(item))
const isGlobal = (info: AddressInfo) => info.scope === 'global'
const bareAddress = (address: string) => address.split('/')[0]!
const text = (info: AddressInfo) => `${info.local}/${info.prefixlen}`
const lengthOf = (address: string) => address.split('/')[1] ?? (address.includes(':') ? '128' : '32')

function subnetOf(address: string): Cidr {
  const base = parseAddress(address.split('/')[0]!)
  if (base === null) throw new Error(`not an address: ${JSON.stringify(address)}`)
  return { base, length: Number(lengthOf(address)) + (isV4(base) ? 96 : 0) }
}

function parse<T>(json: string): T {
  return (json.trim() === '' ? [] : JSON.parse(json)) as T
}
