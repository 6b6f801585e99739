/** Types of a set's key. By nft's own numbers (its datatype.h); `order` 1 is that of the host, 2 that of the network. */
export const KEY_TYPES = {
  ifname: { number: 41, bytes: 16, order: 1 },
  nf_proto: { number: 2, bytes: 1, order: 0 },
  ipv4_addr: { number: 7, bytes: 4, order: 2 },
  ipv6_addr: { number: 8, bytes: 16, order: 2 },
  ether_addr: { number: 9, bytes: 6, order: 2 },
} as const
export type KeyType = keyof typeof KEY_TYPES
