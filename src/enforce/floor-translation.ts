/**
 * What translation would take from the host itself: a published port leads everybody who asks for it to a workload, so a
 * protected port stays the host's; and nobody is seen as the control plane, as a gateway, or as what is protected.
 */
import { type Cidr, canonicalText, cidrContains, parseAddress, parseCidr } from '../model/address.ts'
import type { AgentState } from '../model/desired.ts'
import type { Floor } from './floor.ts'
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
  return first(state.workloads, ({ publishedPorts = [], egressAddress }, i) => {
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
