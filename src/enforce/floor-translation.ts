/**
 * What translation would take from the host itself: a published port leads everybody who asks for it to a workload, so a
 * protected port stays the host's; and nobody is seen as the control plane, as a gateway, or as what is protected.
 */
import { type Cidr, canonicalText, cidrContains, isV4, parseAddress, parseCidr } from '../model/address.ts'
import type { AgentState } from '../model/desired.ts'
import type { RedirectsWish } from '../model/facets/redirects.ts'
import type { Floor, ProtectedPath } from './floor.ts'
import type { Held } from './floor-judge.ts'
import { type Fault, first, shown } from './floor-words.ts'

export function translationFault(state: AgentState, floor: Floor, held: Held): Fault | null {
  const ports = floor.protected.filter(({ reach }) => reach === 'ingress' || reach === 'both')
  const kept = new Map<string, string>([
    ...held.gateways.map((address) => [canonicalText(address), 'the default gateway of this host'] as const),
    ...held.server.map(({ address }) => [canonicalText(address), 'the control plane'] as const),
  ])
  const fenced = floor.protected.flatMap(({ cidr, name }): { cidr: Cidr; name: string }[] => {
    const parsed = parseCidr(cidr)
    return parsed === null ? [] : [{ cidr: parsed, name }]
  })
  const ways = waysOf(floor, held)
  return first(state.workloads, ({ publishedPorts = [], egressAddress, redirects }, i) => {
    const led = redirects === undefined ? null : redirectFault(redirects, ways, `/workloads/${i}/redirects`)
    if (led !== null) return led
    const taken = first(publishedPorts, ({ protocol, port }, j): Fault | null => {
      const path = ports.find(
        ({ service }) =>
          service === null || (service.protocol === protocol && service.from <= port && port <= service.to),
      )
      if (path === undefined) return null
      const reason = `port ${protocol} ${port} is that of ${path.name}, which is protected`
      return { pointer: `/workloads/${i}/publishedPorts/${j}`, reason }
    })
    const posed = first(egressAddress?.addresses ?? [], (text, j): Fault | null => {
      const words = parseAddress(text)
      const whose =
        kept.get(canonicalText(text)) ??
        (words === null ? undefined : fenced.find(({ cidr }) => cidrContains(cidr, words))?.name)
      if (whose === undefined) return null
      const reason = `${shown(text)} is that of ${whose}; no workload may be seen as it`
      return { pointer: `/workloads/${i}/egressAddress/addresses/${j}`, reason }
    })
    return taken ?? posed
  })
}

type Way = { readonly name: string; readonly cidr: Cidr; readonly service: ProtectedPath['service'] }

/** Where workloads and this host must be able to go: the control plane, and what is protected. */
function waysOf(floor: Floor, held: Held): Way[] {
  const server = held.server.flatMap(({ address, port }): Way[] => {
    const cidr = parseCidr(address)
    const service = { protocol: 'tcp' as const, from: port, to: port }
    return cidr === null ? [] : [{ name: 'the control plane', cidr, service }]
  })
  const kept = floor.protected.flatMap(({ name, cidr: text, reach, service }): Way[] => {
    const cidr = parseCidr(text)
    return cidr === null || reach === 'ingress' || reach === 'none' ? [] : [{ name, cidr, service }]
  })
  return [...server, ...kept]
}

/** Any part of a way that some redirect takes and nothing spares. */
function redirectFault({ flows, spared }: RedirectsWish, ways: readonly Way[], at: string): Fault | null {
  return first(flows, (flow, j): Fault | null => {
    const cidr = parseCidr(flow.cidr)
    if (cidr === null || parseAddress(flow.address) === null)
      return { pointer: `${at}/flows/${j}`, reason: `${shown(flow.cidr)} cannot be led to ${shown(flow.address)}` }
    const way = ways.find((one) => takes(flow, cidr, one) && !isSpared(one, spared))
    return way === undefined
      ? null
      : { pointer: `${at}/flows/${j}`, reason: `it would lead away what goes to ${way.name}` }
  })
}

function takes(flow: RedirectsWish['flows'][number], cidr: Cidr, { cidr: way, service }: Way): boolean {
  if (service !== null && (service.protocol !== flow.protocol || service.to < flow.from || service.from > flow.to))
    return false
  if (isV4(way.base) !== isV4(cidr.base)) return false
  const meets = cidrContains(cidr, way.base) || cidrContains(way, cidr.base)
  return meets && !flow.except.flatMap((text) => parseCidr(text) ?? []).some((hole) => contains(hole, way))
}

function isSpared({ cidr: way, service }: Way, spared: RedirectsWish['spared']): boolean {
  return spared.some(({ cidr: text, port }) => {
    const free = parseCidr(text)
    const isWhole = service?.protocol === 'tcp' && service.from === port && service.to === port
    return free !== null && isWhole && contains(free, way)
  })
}

/** Families are apart, as in floor-reach.ts. */
const contains = (outer: Cidr, inner: Cidr) =>
  isV4(outer.base) === isV4(inner.base) && outer.length <= inner.length && cidrContains(outer, inner.base)
