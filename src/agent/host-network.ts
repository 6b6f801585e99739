/** What the namespace we work in knows of its own way out: default gateways, as the kernel lists them under /proc/net. */
import { readFileSync } from 'node:fs'
import { formatAddress } from '../model/address.ts'

export function defaultGateways(read: (path: string) => string = fromProc): string[] {
  return [...new Set([...gateways4(read('/proc/self/net/route')), ...gateways6(read('/proc/self/net/ipv6_route'))])]
}

function fromProc(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // No IPv6 here: no file.
    return ''
  }
}

/** `Iface Destination Gateway …`, words in the byte order of the host (fib_trie.c, fib_route_seq_show). */
function gateways4(text: string): string[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter(
      ([, destination, gateway, , , , , mask]) =>
        destination === '00000000' && mask === '00000000' && gateway !== '00000000',
    )
    .map(([, , gateway]) => Buffer.from(gateway!, 'hex').reverse().join('.'))
}

/** `destination length source length next-hop …`, in network order (net/ipv6/route.c, rt6_info_route). */
function gateways6(text: string): string[] {
  const none = '0'.repeat(32)
  return text
    .split('\n')
    .map((line) => line.split(/\s+/))
    .filter(([to, length, , , via]) => to === none && length === '00' && via !== undefined && via !== none)
    .map(([, , , , via]) => {
      const words = [0, 8, 16, 24].map((at) => Number.parseInt(via!.slice(at, at + 8), 16)) as [
        number,
        number,
        number,
        number,
      ]
      return formatAddress(words)
    })
}
