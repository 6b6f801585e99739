/**
 * Names and fingerprints in one packet that a device sent: the payload of a datagram or segment comes in, words go out. One
 * packet is looked at by itself: a device introduces itself in first packets, and these are short. What is numbered per
 * device (serial numbers, addresses as text) is made equal, so that a word is of a kind of device and not of one.
 */
import { plainText } from '../../model/plain-text.ts'
import { readDns } from '../pcap/dissect/dns.ts'
import { ja3, ja4 } from '../pcap/dissect/fingerprint.ts'
import { looksLikeRequest, readRequest } from '../pcap/dissect/http.ts'
import { findHello, HelloType, readClientHello } from '../pcap/dissect/tls-hello.ts'
import { DecodeError, Reader } from '../reader.ts'
import { readDhcp } from './dhcp.ts'

/** `bytes[from, to)` is the payload of a packet of this kind (`frame-kind.ts`). */
export function namesIn(kind: string, bytes: Uint8Array, from: number, to: number): string[] {
  try {
    switch (kind) {
      case 'dhcp':
        return dhcpNames(bytes, from, to)
      case 'dns':
      case 'mdns':
      case 'llmnr':
        return dnsNames(kind, bytes, from, to)
      case 'ssdp':
        return headNames('ssdp', bytes, from, to)
      default:
        return kind.startsWith('tcp') || kind.startsWith('udp') ? streamNames(bytes, from, to) : []
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return []
  }
}

/** Runs of hexadecimal digits with a digit in them, and runs of digits, are what differs between two of a kind. */
export function withoutNumbers(name: string): string {
  return name
    .toLowerCase()
    .replace(/[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}/g, '*')
    .replace(/(?=[a-f]*\d)[0-9a-f]{6,}/g, '*')
    .replace(/\d{5,}/g, '*')
}

function dhcpNames(bytes: Uint8Array, from: number, to: number): string[] {
  const told = readDhcp(new Reader().reset(bytes, from, to))
  if (told === null) return []
  return [
    ...(told.hostName === '' ? [] : [`host name ${withoutNumbers(told.hostName)}`]),
    ...(told.vendorClass === '' ? [] : [`vendor class ${told.vendorClass.toLowerCase()}`]),
    ...(told.wanted === '' ? [] : [`dhcp options ${told.wanted}`]),
  ]
}

/** A question for a name, and for the domain it is in. */
function dnsNames(kind: string, bytes: Uint8Array, from: number, to: number): string[] {
  const message = readDns(new Reader().reset(bytes, from, to))
  if (message === null) return []
  const named = kind === 'mdns' ? message.answers.filter((answer) => /[a-z]/i.test(answer)) : []
  const names = message.query === '' ? named : [message.query, ...named]
  return names.slice(0, 8).flatMap((name) => {
    const clean = withoutNumbers(name)
    const above = clean.split('.').slice(-2).join('.')
    return above === clean ? [`${kind} ${clean}`] : [`${kind} ${clean}`, `${kind} in ${above}`]
  })
}

const TOLD = /^(server|st|nt|user-agent|host): *(.{1,200})$/i

/** SSDP is HTTP over UDP (UPnP Device Architecture 1.1 §1): who it says it is, and what it looks for. */
function headNames(kind: string, bytes: Uint8Array, from: number, to: number): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.min(to - from, 2_048)).toString('latin1')
  const [first = '', ...lines] = text.split('\r\n', 40)
  const verb = /^[A-Z-]{3,12}/.exec(first)?.[0]
  const told = lines.flatMap((line) => {
    const [, name = '', value = ''] = TOLD.exec(line) ?? []
    return name === '' || name.toLowerCase() === 'host'
      ? []
      : [`${kind} ${name.toLowerCase()} ${withoutNumbers(plainText(value, 64))}`]
  })
  return verb === undefined ? told : [`${kind} ${verb.toLowerCase()}`, ...told]
}

function streamNames(bytes: Uint8Array, from: number, to: number): string[] {
  if (bytes[from] === 22) return helloNames(bytes, from, to)
  if (!looksLikeRequest(bytes, from, to)) return []
  const request = readRequest(bytes, from, to, 'last')
  if (request === null || request === 'more') return []
  const path = request.path.split(/[?#]/)[0]!.split('/').slice(0, 3).join('/')
  return [
    `http ${request.method.toLowerCase()} ${withoutNumbers(path)}`,
    ...(/[a-z]/i.test(request.host) ? [`http host ${withoutNumbers(request.host)}`] : []),
    ...(request.userAgent === '' ? [] : [`http agent ${withoutNumbers(request.userAgent)}`]),
  ]
}

function helloNames(bytes: Uint8Array, from: number, to: number): string[] {
  const found = findHello(bytes, from, to, HelloType.client)
  if (typeof found === 'string') return []
  const hello = readClientHello(found.reader)
  const name = plainText(hello.serverName, 64)
  return [`ja3 ${ja3(hello)}`, `ja4 ${ja4(hello, 'tcp')}`, ...(name === '' ? [] : [`tls ${withoutNumbers(name)}`])]
}

/** How a stack opens a connection (p0f's view of a SYN): time to live as sent, window, options in order. */
export function synName(bytes: Uint8Array, networkAt: number, transportAt: number, end: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const isV4 = bytes[networkAt]! >> 4 === 4
  const hops = bytes[networkAt + (isV4 ? 8 : 7)]!
  const sentWith = [32, 64, 128, 255].find((most) => hops <= most) ?? 255
  const options: string[] = []
  const stop = Math.min(end, transportAt + (bytes[transportAt + 12]! >> 4) * 4)
  for (let at = transportAt + 20; at < stop && options.length < 12; ) {
    const kind = bytes[at]!
    if (kind === 0) break
    const length = kind === 1 ? 1 : (bytes[at + 1] ?? 0)
    if (length === 0) break
    const isSize = kind === 2 && length === 4 && at + 4 <= stop
    options.push(
      isSize ? `mss${view.getUint16(at + 2)}` : kind === 3 && at + 3 <= stop ? `ws${bytes[at + 2]}` : `${kind}`,
    )
    at += length
  }
  return `syn ${sentWith} ${view.getUint16(transportAt + 14)} ${options.join()}`
}
