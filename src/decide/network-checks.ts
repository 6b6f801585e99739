/** Addresses a workload cannot have: what would be refused by a kernel is refused where it was written. */
import { cidrContains, formatCidr, isV4, parseAddress, parseCidr } from '../model/address.ts'
import type { Profile } from '../model/persona.ts'
import { parseInterfaceAddress } from './interface-address.ts'

type Add = (path: readonly (string | number)[], why: string, cure: string) => void

/** Unspecified, loopback, multicast and beyond (RFC 6890); link-local ones an interface may have. */
const NOBODYS = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8'].map((text) => parseCidr(text)!)

export function checkNetwork({ network }: Profile, add: Add): void {
  const path = ['spec', 'profile', 'network']
  network?.addresses.forEach((text, i) => {
    const parsed = parseInterfaceAddress(text)
    if (parsed === null) return
    const words = parseAddress(parsed.address)!
    const { base } = parseCidr(parsed.network)!
    const isWholeNetwork = parsed.length < 31 && !text.includes(':') && words[3] === base[3]
    if (NOBODYS.some((cidr) => cidrContains(cidr, words)))
      add([...path, 'addresses', i], `${text} is no address that one workload could have`, 'write it like 10.0.0.5/24')
    else if (isWholeNetwork || isBroadcast(words[3], parsed.length, text))
      add(
        [...path, 'addresses', i],
        `${parsed.address} is the ${isWholeNetwork ? 'network' : 'broadcast'} address of ${parsed.network}`,
        'write one of a host in it',
      )
  })
  checkRoutes(network?.routes ?? [], [...path, 'routes'], add)
}

type Routes = NonNullable<NonNullable<Profile['network']>['routes']>

function checkRoutes(routes: Routes, path: readonly string[], add: Add): void {
  const targets = routes.map(({ to }) => parseCidr(to))
  routes.forEach(({ to, via }, i) => {
    const at = [...path, i]
    const target = targets[i]
    if (target == null)
      add([...at, 'to'], `${to} is no network`, 'write its first address and its length, like 10.50.0.0/16')
    else if (target.length === (isV4(target.base) ? 96 : 0))
      add([...at, 'to'], `${to} is everywhere`, 'name the way there under gateways')
    else if (targets.findIndex((other) => other != null && formatCidr(other) === formatCidr(target)) < i)
      add([...at, 'to'], `${to} is here twice`, 'leave one out')
    const hop = parseAddress(via)
    if (hop === null) add([...at, 'via'], `${via} is no address`, 'write it like 10.0.0.254')
    else if (target != null && isV4(hop) !== isV4(target.base))
      add([...at, 'via'], `${via} is of another family than ${to}`, 'name a next hop of the same family')
  })
}

function isBroadcast(last: number, length: number, text: string): boolean {
  if (text.includes(':') || length >= 31) return false
  const hosts = length === 0 ? 0xffffffff : (0xffffffff >>> length) >>> 0
  return (last & hosts) >>> 0 === hosts
}
