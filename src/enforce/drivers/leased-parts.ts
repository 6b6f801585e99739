/** The facets of a guest that is told by DHCP what others are given by their agent: its network and its resolvers. */
import { existsSync } from 'node:fs'
import type { DesiredState } from '../../model/desired.ts'
import type { FacetPart, Place } from '../facet.ts'
import { faceOf } from '../facet.ts'
import { command, inside, runStep } from '../step.ts'
import { type Lease, type Naming, resolversAlone, tell, toldOn } from './leases.ts'

/** `router`: the addresses of our own end, `10.0.0.1/24`. */
export type LeasedNetwork = { readonly lease: Lease | null; readonly router: readonly string[] }
const DNSMASQ = '/usr/sbin/dnsmasq'
type NetworkWish = NonNullable<DesiredState['network']>
type DnsWish = NonNullable<DesiredState['dns']>
type LinkInfo = {
  readonly addr_info: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[]
}

/** A machine behind a link of ours that has no door. */
export function isLeased({ key, namespace, monitor, face }: Place): boolean {
  return /^(?:vm|libvirt):/.test(key) && namespace === null && monitor === null && face !== null
}

/** `part` everywhere but where a guest is told by DHCP, `leased` there: its state is known by its form, where no place is given. */
export function leasedToo<Wish, State, Leased extends State>(
  part: FacetPart<Wish, State>,
  leased: Pick<FacetPart<Wish, Leased>, 'refusal' | 'capture' | 'wanted' | 'converge' | 'normalise' | 'undo'>,
  isOfLease: (state: State) => state is Leased,
): FacetPart<Wish, State> {
  const { stages } = part
  return {
    ...part,
    isAway: async (place) => isLeased(place) && !(await hasLink(faceOf(place))),
    refusal: (place, wish, whole) => (isLeased(place) ? leased : part).refusal(place, wish, whole),
    onLink: (place) => isLeased(place) || part.onLink?.(place) === true,
    async relocate(place, original, from) {
      if (isLeased(place) !== isLeased(from)) return isLeased(place) ? leased.capture(place) : part.capture(place)
      return isLeased(place) ? original : (part.relocate?.(place, original, from) ?? original)
    },
    capture: (place) => (isLeased(place) ? leased.capture(place) : part.capture(place)),
    wanted: (place, original, wish) =>
      isLeased(place) ? leased.wanted(place, original as Leased, wish) : part.wanted(place, original, wish),
    converge: (place, state) =>
      isLeased(place) ? leased.converge(place, state as Leased) : part.converge(place, state),
    normalise: (state) => (isOfLease(state) ? leased.normalise(state) : part.normalise(state)),
    undo: (place, from, to) =>
      isLeased(place) ? leased.undo(place, from as Leased, to as Leased) : part.undo(place, from, to),
    ...(part.complete === undefined
      ? {}
      : { complete: async (place, state) => (isLeased(place) ? state : part.complete!(place, state)) }),
    probes: (place, from, to) => (isLeased(place) ? [] : (part.probes?.(place, from, to) ?? [])),
    ...(stages === undefined
      ? {}
      : {
          stages: {
            ...stages,
            prepare: (place, from, to) =>
              isLeased(place) ? leased.converge(place, to as Leased) : stages.prepare(place, from, to),
            switch: async (place, from, to) => (isLeased(place) ? undefined : stages.switch(place, from, to)),
            finish: async (place, from, to) => (isLeased(place) ? undefined : stages.finish(place, from, to)),
            linger: (from, to) => (isOfLease(to) ? null : (stages.linger?.(from, to) ?? null)),
          },
        }),
  }
}

/** It is made with the first start of a machine, and libvirt takes it along when a domain ends. */
function hasLink(face: string): Promise<boolean> {
  return inside(null, 'ip', ['-j', 'link', 'show', 'dev', face]).then(
    () => true,
    () => false,
  )
}

export function isLeasedNetwork(state: unknown): state is LeasedNetwork {
  return typeof state === 'object' && state !== null && 'lease' in state
}

export const leasedNetwork: Pick<
  FacetPart<NetworkWish, LeasedNetwork>,
  'refusal' | 'capture' | 'wanted' | 'converge' | 'normalise' | 'undo'
> = {
  refusal(_, { addresses, gateways, routes = [] }) {
    if (!existsSync(DNSMASQ))
      return 'it has no guest agent, and this host no dnsmasq to tell it by; install dnsmasq-base'
    const by = 'it has no guest agent and is told by DHCP'
    if (routes.length > 0)
      return `${by}, which tells the default route alone; leave routes out, or give it qemu-guest-agent`
    if (addresses.length !== 1 || addresses[0]!.includes(':') || gateways.some((one) => one.includes(':')))
      return `${by}, which gives one IPv4 address; leave the others out, or give it qemu-guest-agent`
    if (gateways.length !== 1) return `${by}, for which our end of its link needs an address: name one gateway`
    return null
  },
  async capture(place) {
    const face = faceOf(place)
    const found = JSON.parse(await inside(null, 'ip', ['-j', 'addr', 'show', 'dev', face])) as LinkInfo[]
    const router = found.flatMap(({ addr_info }) => addr_info)
    return {
      lease: toldOn(face).lease,
      router: router.filter(({ family }) => family === 'inet').map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    }
  },
  wanted(_, __, { addresses: [address = ''], gateways: [gateway = ''], mtu = null }) {
    return { lease: { address, gateway, mtu }, router: [`${gateway}/${address.split('/')[1]}`] }
  },
  async converge(place, { lease, router }) {
    const face = faceOf(place)
    const found = (await leasedNetwork.capture(place)).router
    await runStep({ run: 'ip', namespace: null, lines: routerLines(face, found, router) })
    await tell(face, { lease }, command)
  },
  normalise: ({ lease, router }) =>
    JSON.stringify([lease === null ? null : [lease.address, lease.gateway, lease.mtu], [...router].sort()]),
  undo(place, { lease, router }, to) {
    const face = faceOf(place)
    return [
      { run: 'ip', namespace: null, lines: routerLines(face, to.router, router), lenient: true },
      { run: 'lease', face, lease },
    ]
  },
}

/** The new first: a server that finds no address of its own in the range tells nothing. */
function routerLines(face: string, found: readonly string[], wanted: readonly string[]): string[] {
  return [
    ...wanted.filter((one) => !found.includes(one)).map((one) => `addr replace ${one} dev ${face}`),
    ...found.filter((one) => !wanted.includes(one)).map((one) => `addr del ${one} dev ${face}`),
  ]
}

/** Text of what is told, as the `dns` part keeps text of a file; null = nothing. */
type LeasedDns = string | null
const MARK = '{"servers":'

export function isLeasedDns(state: string | null): state is LeasedDns {
  return state?.startsWith(MARK) === true
}

export const leasedDns: Pick<
  FacetPart<DnsWish, LeasedDns>,
  'refusal' | 'capture' | 'wanted' | 'converge' | 'normalise' | 'undo'
> = {
  refusal(_, { servers }, { network }) {
    if (servers.some((one) => one.includes(':')))
      return 'it has no guest agent and is told by DHCP, which names resolvers by IPv4; leave the others out, or give it qemu-guest-agent'
    return network === undefined ? `it has no guest agent; ${resolversAlone('its persona')}` : null
  },
  capture: async (place) => textOf(toldOn(faceOf(place)).naming),
  wanted: (_, __, { servers, search }) => textOf({ servers, search }),
  converge: (place, state) => tell(faceOf(place), { naming: namingOf(state) }, command),
  normalise: (state) => JSON.stringify(state),
  undo: (place, from) => [{ run: 'lease', face: faceOf(place), naming: namingOf(from) }],
}

const textOf = (naming: Naming | null): LeasedDns =>
  naming === null ? null : JSON.stringify({ servers: naming.servers, search: naming.search })
const namingOf = (text: LeasedDns): Naming | null => (text === null ? null : (JSON.parse(text) as Naming))
