/**
 * The kernel's table of neighbours (rtnetlink(7), linux/neighbour.h): who answered for an address on a link, and when that
 * was last known to hold. Requests for it, and its messages as plain values.
 */
import { formatAddress } from '../model/address.ts'
import { attributes, encodeAttribute, encodeMessage, Flag, type Message } from '../netlink/message.ts'

export const RouteMessage = {
  newLink: 16,
  getLink: 18,
  newNeighbour: 28,
  deleteNeighbour: 29,
  getNeighbour: 30,
} as const
/** RTNLGRP_NEIGH = 3, as a bit. */
export const NEIGHBOUR_GROUP = 1 << 2
const State = { incomplete: 1, failed: 0x20, noArp: 0x40 } as const
const NTF_USE = 1
const NTF_PROXY = 8
const [AF_INET, AF_INET6] = [2, 10]
/** enum: NDA_DST, NDA_LLADDR, NDA_CACHEINFO. */
const Nda = { target: 1, linkAddress: 2, cache: 3 } as const
const IFLA_IFNAME = 3
const TICKS_PER_SECOND = 100

export type Neighbour = {
  readonly link: number
  readonly address: string
  /** Six bytes in lower-case hex. */
  readonly mac: string
  /** Since the kernel was last told that it holds, or was changed. */
  readonly agoMs: number
}

/** null: not one that can be reached, not Ethernet, or cut short. */
export function readNeighbour({ type, payload }: Message): Neighbour | null {
  if (type !== RouteMessage.newNeighbour || payload.length < 12) return null
  const [family, link, state] = [payload[0], payload.readInt32LE(4), payload.readUInt16LE(8)]
  if (state === 0 || (state & (State.incomplete | State.failed | State.noArp)) !== 0) return null
  if ((payload[10]! & NTF_PROXY) !== 0) return null
  let [address, mac, agoMs] = ['', '', 0]
  attributes(payload, 12, (kind, value) => {
    if (kind === Nda.target) address = readAddress(family!, value)
    else if (kind === Nda.linkAddress && value.length === 6) mac = value.toString('hex').replace(/..(?!$)/g, '$&:')
    else if (kind === Nda.cache && value.length >= 12)
      agoMs = (Math.min(value.readUInt32LE(0), value.readUInt32LE(8)) * 1_000) / TICKS_PER_SECOND
  })
  // An odd first byte is that of a group; nobody has all zeros.
  const isOne = mac !== '' && mac !== '00:00:00:00:00:00' && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0
  return address === '' || !isOne ? null : { link, address, mac, agoMs }
}

function readAddress(family: number, value: Buffer): string {
  if (family === AF_INET && value.length === 4) return value.join('.')
  if (family !== AF_INET6 || value.length !== 16) return ''
  const word = (at: number) => value.readUInt32BE(at)
  // Written as IPv6, yet another family's: nobody is asked for these on a link.
  const isMapped = word(0) === 0 && word(4) === 0 && word(8) === 0xffff
  return isMapped ? '' : formatAddress([word(0), word(4), word(8), word(12)])
}

/** Name and number of a link. */
export function readLink({ type, payload }: Message): { readonly link: number; readonly name: string } | null {
  if (type !== RouteMessage.newLink || payload.length < 16) return null
  let name = ''
  attributes(payload, 16, (kind, value) => {
    if (kind === IFLA_IFNAME) name = value.toString('latin1').replace(/\0.*$/s, '')
  })
  return name === '' ? null : { link: payload.readInt32LE(4), name }
}

export function neighboursRequest(sequence: number): Buffer {
  return encodeMessage(RouteMessage.getNeighbour, Flag.request | Flag.dump, sequence, Buffer.alloc(12))
}

export function linkRequest(sequence: number, name: string): Buffer {
  const asked = encodeAttribute(IFLA_IFNAME, Buffer.from(`${name}\0`, 'latin1'))
  return encodeMessage(RouteMessage.getLink, Flag.request, sequence, Buffer.alloc(16), asked)
}

/** Lets the kernel ask the link who has an address (ARP, neighbour solicitation), as if a packet were to go there. */
export function solicitRequest(sequence: number, link: number, address: Uint8Array): Buffer {
  const head = Buffer.alloc(12)
  head[0] = address.length === 4 ? AF_INET : AF_INET6
  head.writeInt32LE(link, 4)
  head[10] = NTF_USE
  const target = encodeAttribute(Nda.target, Buffer.from(address))
  return encodeMessage(RouteMessage.newNeighbour, Flag.request | Flag.create, sequence, head, target)
}
