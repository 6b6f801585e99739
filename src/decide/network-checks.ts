/** Addresses a workload cannot have, and sizes no host has: what would be refused by a kernel is refused where it was written. */
import { cidrContains, parseAddress, parseCidr } from '../model/address.ts'
import { bytesOf } from '../model/facets/limits.ts'
import type { Profile } from '../model/persona.ts'
import { parseInterfaceAddress } from './interface-address.ts'

type Add = (path: readonly (string | number)[], why: string, cure: string) => void

/** Unspecified, loopback, multicast and beyond (RFC 6890); link-local ones an interface may have. */
const NOBODYS = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8'].map((text) => parseCidr(text)!)
/** As the schema of a resolved state has it. */
const GREATEST_BYTES = 2 ** 46

export function checkNetwork({ network, memory }: Profile, add: Add): void {
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
  const bytes = memory === undefined ? null : bytesOf(memory.max)
  if (bytes !== null && bytes > GREATEST_BYTES)
    add(['spec', 'profile', 'memory', 'max'], `${memory?.max} is more than any host has`, 'give at most 65536GiB')
}

function isBroadcast(last: number, length: number, text: string): boolean {
  if (text.includes(':') || length >= 31) return false
  const hosts = length === 0 ? 0xffffffff : (0xffffffff >>> length) >>> 0
  return (last & hosts) >>> 0 === hosts
}
