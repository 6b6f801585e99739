/**
 * Lines for `ip -batch` from one state of the `network` facet to another: new addresses and routes first, then what new
 * connections use, at last the old is taken away. All of it inside the workload but for our end of its link.
 */
import { type Cidr, cidrContains, isV4, parseAddress } from '../../model/address.ts'
import type { Step } from '../step.ts'
import type { NetworkState } from './network.ts'

/** `namespace` null = our own. */
export type Lines = { readonly namespace: string | null; readonly lines: readonly string[] }

/** Marks routes as ours in `ip route` (rtnetlink(7): 5–255 are free for user space). */
export const PROTOCOL = '186'

export function prepareLines(namespace: string, from: NetworkState, to: NetworkState): Lines[] {
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
        ...(to.router.mtu > from.router.mtu ? [`link set dev ${face} mtu ${to.router.mtu}`] : []),
      ],
    },
    {
      namespace,
      lines: [
        ...missing(to.addresses, from.addresses).map(
          (address) => `addr replace ${address} dev ${to.device}${quick(address)}`,
        ),
        ...targetsBeside(from.routes, to.routes)
          .flatMap((target) => routesTo(target, to.routes))
          .map((route) => `route add ${routeLine(route, to)}`),
      ],
    },
  ]
}

/** New connections use the new address; IPv6 has no `src` worth using, its old addresses are deprecated instead (RFC 6724 rule 3). */
export function switchLines(namespace: string, from: NetworkState, to: NetworkState): Lines {
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
      ...missing(to.routes, from.routes)
        .filter((route) => routesTo(targetOf(route), from.routes).length > 0)
        .map((route) => `route replace ${routeLine(route, to)}`),
      ...(to.mtu === from.mtu ? [] : [`link set dev ${to.device} mtu ${to.mtu}`]),
      ...gone.map((gateway) => `route del default via ${gateway} dev ${to.device}`),
      ...old6.map((address) => `addr change ${address} dev ${to.device} preferred_lft 0`),
      ...to.addresses
        .filter((address) => address.includes(':') && !deprecated.includes(address))
        .map((address) => `addr change ${address} dev ${to.device} valid_lft forever preferred_lft forever`),
    ],
  }
}

export function finishLines(namespace: string, from: NetworkState, to: NetworkState): Lines[] {
  const face = to.router.device
  return [
    {
      namespace,
      lines: [
        ...targetsBeside(to.routes, from.routes).map(
          (target) => `route del ${target} dev ${to.device} proto ${PROTOCOL}`,
        ),
        ...missing(from.addresses, to.addresses).map((address) => `addr del ${address} dev ${to.device}`),
      ],
    },
    {
      namespace: null,
      lines: [
        ...missing(from.router.routes, to.router.routes).map(
          (address) => `route del ${address} dev ${face} proto ${PROTOCOL}`,
        ),
        ...missing(from.router.addresses, to.router.addresses).map((address) => `addr del ${address} dev ${face}`),
        ...(to.router.mtu < from.router.mtu ? [`link set dev ${face} mtu ${to.router.mtu}`] : []),
      ],
    },
  ]
}

/** For the supervisor, which cannot look first: back from `to`, or from any step towards it. */
export function undoSteps(namespace: string, from: NetworkState, to: NetworkState): Step[] {
  const batches = [
    ...prepareLines(
      namespace,
      { ...to, addresses: [], routes: [], router: { ...to.router, addresses: [], routes: [] } },
      from,
    ),
    switchLines(namespace, to, from),
    ...finishLines(namespace, to, from),
  ]
  return batches.map((batch) => ({ run: 'ip', ...batch, lenient: true }))
}

/** A gateway outside every subnet of ours is reached all the same, if it is behind this link. */
function onLink(gateway: string, state: NetworkState): string {
  const words = parseAddress(gateway)
  return words !== null && state.addresses.some((address) => cidrContains(subnetOf(address), words)) ? '' : ' onlink'
}

function routeLine(route: string, state: NetworkState): string {
  const via = route.split(' ').at(-1)!
  return `${route} dev ${state.device} proto ${PROTOCOL}${onLink(via, state)}`
}

const targetOf = (route: string) => route.split(' ')[0]!
export const routesTo = (target: string, routes: readonly string[]) =>
  routes.filter((route) => targetOf(route) === target)
/** Where `those` lead and `these` do not. */
export const targetsBeside = (these: readonly string[], those: readonly string[]) =>
  missing(those.map(targetOf), these.map(targetOf))
const quick = (address: string) => (address.includes(':') ? ' nodad' : '')
export const missing = (wanted: readonly string[], from: readonly string[]) =>
  wanted.filter((item) => !from.includes(item))
export const lengthOf = (address: string) => address.split('/')[1] ?? (address.includes(':') ? '128' : '32')
/** `ip` leaves the length of a single address out. */
export const withLength = (address: string) => `${address.split('/')[0]}/${lengthOf(address)}`

export function subnetOf(address: string): Cidr {
  const base = parseAddress(address.split('/')[0]!)
  if (base === null) throw new Error(`not an address: ${JSON.stringify(address)}`)
  return { base, length: Number(lengthOf(address)) + (isV4(base) ? 96 : 0) }
}
