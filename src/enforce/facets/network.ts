/**
 * The `network` facet of a namespace behind a routed veth: its addresses, default gateways and preferred source, and the
 * gateway addresses on our end. A change is made before the old is broken: `prepareLines` adds, `switchLines` moves the
 * preferred source, the old lingers for the connections that use it, `finishLines` deletes; `converge` is all three from
 * whatever is there.
 */
import { cidrContains, formatAddress, formatCidr, isV4, parseAddress, parseCidr } from '../../model/address.ts'
import type { DesiredState } from '../../model/desired.ts'
import { doorOf, type FacetPart, type Lingering, type Place, type Probe } from '../facet.ts'
import { openConnections } from '../open-connections.ts'
import { command, inside, runStep } from '../step.ts'
import { keepSecondaries } from './keep-secondaries.ts'
import {
  finishLines,
  type Lines,
  lengthOf,
  missing,
  PROTOCOL,
  prepareLines,
  routesTo,
  subnetOf,
  switchLines,
  targetsBeside,
  undoSteps,
  withLength,
} from './network-lines.ts'
import { forgetSources } from './vpn/forget-sources.ts'

export type NetworkState = {
  readonly device: string
  /** bytes (RFC 8200 §5: at least 1280 where there is IPv6) */
  readonly mtu: number
  /** `10.0.0.5/24`, global scope, the preferred source of each family first. */
  readonly addresses: readonly string[]
  readonly gateways: readonly string[]
  /** Ours alone, `10.50.0.0/16 via 10.0.0.254`. */
  readonly routes: readonly string[]
  /** IPv6 addresses that new connections do not use any more: a change was left half way. */
  readonly deprecated?: readonly string[]
  /** On our end of the veth. */
  readonly router: {
    readonly device: string
    readonly mtu: number
    readonly addresses: readonly string[]
    readonly routes: readonly string[]
  }
}
/** bytes (IEEE 802.3 §3.1.1) */
const ETHERNET_MTU = 1_500
type NetworkWish = NonNullable<DesiredState['network']>

type AddressInfo = {
  family: string
  local: string
  prefixlen: number
  scope: string
  secondary?: boolean
  deprecated?: boolean
}
type LinkInfo = { ifname: string; ifindex: number; link_index?: number; mtu: number; addr_info: AddressInfo[] }
type RouteInfo = { dst: string; gateway?: string; prefsrc?: string; dev?: string; protocol?: string; scope?: string }

export const network: FacetPart<NetworkWish, NetworkState> = {
  facet: 'network',
  noticed: ['link'],
  refusal: (place) =>
    doorOf(place) === null
      ? 'it has no registered namespace, and no guest agent'
      : place.face === null
        ? 'it has no link of its own on this host'
        : null,
  onLink: () => true,
  capture: (place) => capture(place),
  async relocate(place, original, from) {
    const found = await capture(place)
    // Nobody has given it anything yet in a namespace that is another one.
    if (doorOf(place) !== doorOf(from)) return found
    return { ...original, device: found.device, router: { ...original.router, device: found.router.device } }
  },
  wanted: (_, original, wish) => wantedNetwork(original, wish),
  async converge(place, wanted) {
    const { namespace } = linked(place)
    const found = await capture(place)
    if (normalise(found) === normalise(wanted)) return
    await keepSecondaries(namespace)
    await spareForeign(place, found, wanted)
    await runAll(prepareLines(namespace, found, wanted))
    await runAll([switchLines(namespace, found, wanted)])
    await moveTunnel(place)
    await runAll(finishLines(namespace, await capture(place), wanted))
  },
  normalise,
  complete,
  undo: (place, from, to) => undoSteps(linked(place).namespace, from, to),
  stages: {
    async prepare(place, from, to) {
      await keepSecondaries(linked(place).namespace)
      await spareForeign(place, from, to)
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

/** Throws where the workload has a way of its own to where one of ours would lead: ours would have to take its place. */
async function spareForeign({ key, ...place }: Place, from: NetworkState, to: NetworkState): Promise<void> {
  const { namespace } = linked({ key, ...place })
  for (const target of targetsBeside(from.routes, to.routes)) {
    const there = target.includes(':')
      ? await inside(namespace, 'ip', ['-6', '-j', 'route', 'show', 'exact', target])
      : await inside(namespace, 'ip', ['-j', 'route', 'show', 'exact', target])
    const foreign = parse<RouteInfo[]>(there).find(({ protocol }) => protocol !== PROTOCOL)
    if (foreign !== undefined)
      throw new Error(
        `${key} has a route of its own to ${target} (${foreign.gateway ?? 'without a gateway'}, ${foreign.protocol ?? 'boot'}). Remove it there, or leave ${target} out of the persona`,
      )
  }
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
  const routes = await ownRoutes(null, face)
  const rank = (info: AddressInfo) =>
    info.local === route4?.prefsrc ? 0 : info.secondary === true || info.deprecated === true ? 2 : 1
  return {
    device: device.ifname,
    mtu: device.mtu,
    addresses: device.addr_info
      .filter(isGlobal)
      .sort((a, b) => rank(a) - rank(b))
      .map(text),
    deprecated: device.addr_info.filter((info) => isGlobal(info) && info.deprecated === true).map(text),
    gateways: [route4, route6].flatMap((route) => (route?.gateway === undefined ? [] : [route.gateway])),
    routes: (await ownRoutes(namespace, device.ifname)).flatMap(({ dst, gateway }) =>
      gateway === undefined || dst === 'default' ? [] : [`${withLength(dst)} via ${gateway}`],
    ),
    router: {
      device: face,
      mtu: ours.mtu,
      addresses: ours.addr_info.filter(isGlobal).map(text),
      routes: routes.map(({ dst }) => dst),
    },
  }
}

async function ownRoutes(namespace: string | null, device: string): Promise<RouteInfo[]> {
  const four = await inside(namespace, 'ip', ['-j', 'route', 'show', 'dev', device, 'proto', PROTOCOL])
  const six = await inside(namespace, 'ip', ['-6', '-j', 'route', 'show', 'dev', device, 'proto', PROTOCOL])
  return [...parse<RouteInfo[]>(four), ...parse<RouteInfo[]>(six)]
}

/** What a desired profile means here, from what is there now, as `ip` writes it. Throws when an address is none. */
export function wantedNetwork(now: NetworkState, wish: NetworkWish): NetworkState {
  const network = {
    addresses: wish.addresses.map((address) => `${plain(address.split('/')[0]!)}/${lengthOf(address)}`),
    gateways: wish.gateways.map(plain),
    routes: (wish.routes ?? []).map(({ to, via }) => ({ to: plainTarget(to), via: plain(via) })),
  }
  const subnets = network.addresses.map((address) => ({ address, cidr: subnetOf(address) }))
  // Behind a routed link nobody but us can be the next hop.
  const hops = new Set([...network.gateways, ...network.routes.map(({ via }) => via)])
  const router = [...hops].flatMap((gateway) => {
    const words = parseAddress(gateway)
    const home = subnets.find(({ cidr }) => words !== null && cidrContains(cidr, words))
    return home === undefined ? [] : [`${gateway}/${lengthOf(home.address)}`]
  })
  const families = new Set([...hops].map((gateway) => gateway.includes(':')))
  const kept = now.router.addresses.filter((address) => !families.has(address.includes(':')))
  const covered = [...router, ...kept].map(subnetOf)
  const routes = network.addresses
    .map((address) => address.split('/')[0]!)
    .filter((address) => {
      const words = parseAddress(address)
      return words !== null && !covered.some((cidr) => cidrContains(cidr, words))
    })
  return {
    device: now.device,
    addresses: network.addresses,
    mtu: wish.mtu ?? now.mtu,
    gateways: network.gateways,
    routes: network.routes.map(({ to, via }) => `${to} via ${via}`),
    router: {
      device: now.router.device,
      mtu: wish.mtu ?? now.router.mtu,
      addresses: [...kept, ...router],
      routes,
    },
  }
}

function plain(address: string): string {
  const words = parseAddress(address)
  if (words === null) throw new Error(`not an address: ${JSON.stringify(address)}`)
  return formatAddress(words)
}

function plainTarget(text: string): string {
  const cidr = parseCidr(text)
  if (cidr === null) throw new Error(`not a network: ${JSON.stringify(text)}`)
  if (cidr.length === (isV4(cidr.base) ? 96 : 0))
    throw new Error(`${text} is everywhere: that is a gateway, not a route`)
  return formatCidr(cidr)
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
      routes: [
        ...to.routes,
        ...targetsBeside(to.routes, from.routes).flatMap((target) => routesTo(target, from.routes)),
      ],
      router: {
        ...router,
        mtu: Math.max(router.mtu, from.router.mtu),
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
  return openConnections(namespace, ['(', ...from, ')']).then(
    (said) => said.trim() !== '',
    () => true,
  )
}

function normalise(state: NetworkState): string {
  const source4 = state.addresses.find((address) => !address.includes(':')) ?? null
  const { router } = state
  return JSON.stringify([
    [...(state.deprecated ?? [])].sort(),
    [...state.addresses].sort(),
    source4,
    [...state.gateways].sort(),
    [...state.routes].sort(),
    [state.mtu, router.mtu],
    [...router.addresses].sort(),
    [...router.routes].sort(),
  ])
}

/** Release 3 and older kept neither routes nor the size of packets. A workload that is gone has neither. */
async function complete(place: Place, state: NetworkState): Promise<NetworkState> {
  if ((state as Partial<NetworkState>).routes !== undefined) return state
  const { mtu, router } = await capture(place).catch(() => ({ mtu: ETHERNET_MTU, router: { mtu: ETHERNET_MTU } }))
  return { ...state, mtu, routes: [], router: { ...state.router, mtu: router.mtu } }
}

const isGlobal = (info: AddressInfo) => info.scope === 'global'
const bareAddress = (address: string) => address.split('/')[0]!
const text = (info: AddressInfo) => `${info.local}/${info.prefixlen}`

function parse<T>(json: string): T {
  return (json.trim() === '' ? [] : JSON.parse(json)) as T
}
