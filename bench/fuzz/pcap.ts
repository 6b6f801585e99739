/** Captures, single frames, and what is dissected of them under fuzz. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readDns } from '../../src/observe/pcap/dissect/dns.ts'
import { readDnsAnswer } from '../../src/observe/pcap/dissect/dns-addresses.ts'
import type { Talk } from '../../src/observe/pcap/dissect/talk.ts'
import { createTalks } from '../../src/observe/pcap/dissect/talks.ts'
import { findHello, HelloType, readClientHello } from '../../src/observe/pcap/dissect/tls-hello.ts'
import { createPacketReader } from '../../src/observe/pcap/packets.ts'
import { createPortraits } from '../../src/observe/portrait/portraits.ts'
import { Reader } from '../../src/observe/reader.ts'
import { createServiceNames } from '../../src/observe/source.ts'
import { DATA } from '../../test/need.ts'
import { ethernet, pcapFile, pcapngFile, tcp, udp } from '../../test/pcap-writer.ts'
import type { FuzzTarget } from './target.ts'

const ENDS = { from: '10.0.0.1', to: '10.0.0.2' }
const FOLDERS = [`${DATA}/formats/zeek-pcap-to-conn`, `${DATA}/formats/ipfixprobe/inputs`]
const MAX_SAMPLE = 20_000
const head = (questions: number) => [1, 2, 1, 0, questions >> 8, questions & 255, 0, 0, 0, 0, 0, 0]
const QUESTION = [1, 97, 0, 0, 1, 0, 1]

function captures(): Uint8Array[] {
  const files = FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.pcap(ng)?$/.test(name))
      .map((name) => new Uint8Array(readFileSync(`${folder}/${name}`))),
  )
  return [manyConns(4_000), manyBlocks(4_000), ...files.filter((file) => file.length <= MAX_SAMPLE)]
}

/** A file is read by a reader of its own; the frames of one reader go through its tables one after the other. */
function readFile(input: Uint8Array): void {
  const services = createServiceNames()
  const reader = createPacketReader<Talk>({
    checksums: 'ignored',
    maxConns: 256,
    refused() {},
    sink: (table) => {
      const talks = createTalks({ services, table, emit() {} })
      return { payload: talks.payload, ended: (conn) => talks.ended(conn) }
    },
  })
  reader.capture.push(input)
  reader.capture.end()
  reader.assembler.finish()
}

/** A SYN to another port in every packet: the most conversations a file can hold. */
function manyConns(bytes: number): Uint8Array {
  const count = Math.max(1, Math.floor((bytes - 24) / 70))
  return pcapFile(
    Array.from({ length: count }, (_, i) => ({
      atMs: i,
      bytes: ethernet(tcp({ ...ENDS, flags: 'S', seq: i, toPort: i & 0xffff, fromPort: i >> 16 })),
    })),
  )
}

function manyBlocks(bytes: number): Uint8Array {
  const count = Math.max(1, Math.floor((bytes - 48) / 96))
  const frame = ethernet(udp({ ...ENDS, toPort: 53 }, Uint8Array.from([...head(1), ...QUESTION])))
  return pcapngFile(Array.from({ length: count }, (_, i) => ({ atMs: i, bytes: frame })))
}

/** Segments of one stream in reverse: each goes in front of all that wait. */
function backwards(bytes: number): Uint8Array {
  const count = Math.max(1, Math.floor((bytes - 24) / 72))
  return pcapFile(
    Array.from({ length: count }, (_, i) => ({
      atMs: i,
      bytes: ethernet(tcp({ ...ENDS, flags: 'A', seq: 1_000_000 - i * 4, ack: 1, data: 'ab' })),
    })),
  )
}

export const pcap: FuzzTarget = {
  name: 'pcap',
  samples: captures,
  open: () => readFile,
  growing: { 'many conversations': manyConns, 'many blocks': manyBlocks, 'segments backwards': backwards },
}

/** One frame after the other of the same few devices: their words are bounded, whatever they say. */
export const portraits: FuzzTarget = {
  name: 'portraits',
  samples: () => [
    ethernet(udp({ ...ENDS, toPort: 5353 }, Uint8Array.from([...head(1), ...QUESTION]))),
    ethernet(udp({ ...ENDS, fromPort: 68, toPort: 67 }, dhcpDiscover(40))),
    ethernet(udp({ ...ENDS, toPort: 1900 }, 'NOTIFY * HTTP/1.1\r\nNT: upnp:rootdevice\r\n\r\n')),
    ethernet(tcp({ ...ENDS, flags: 'S', seq: 1, toPort: 443 })),
  ],
  open: () => {
    const reader = new Reader()
    const painted = createPortraits()
    let frames = 0
    return (input) => painted.take(reader.reset(input), ++frames, input.length)
  },
  growing: { 'dhcp options': (bytes) => ethernet(udp({ ...ENDS, fromPort: 68, toPort: 67 }, dhcpDiscover(bytes))) },
  maxBytes: 9_000,
}

/** As many options of one octet as fit. */
function dhcpDiscover(bytes: number): Uint8Array {
  const options = Array.from({ length: Math.max(1, Math.floor((bytes - 240) / 3)) }, () => [12, 1, 97]).flat()
  return Uint8Array.from([1, 1, 6, 0, ...new Array<number>(232).fill(0), 0x63, 0x82, 0x53, 0x63, ...options, 255])
}

function dnsMessage(bytes: number): Uint8Array {
  const count = Math.max(1, Math.min(4_000, Math.floor((bytes - 12) / QUESTION.length)))
  return Uint8Array.from([...head(count), ...Array.from({ length: count }, () => QUESTION).flat()])
}

/** Labels of one octet, and behind them pointers to pointers. */
function pointers(bytes: number): Uint8Array {
  const count = Math.max(1, Math.min(4_000, Math.floor((bytes - 20) / 6)))
  const out = [...head(count), 1, 97, 0, 0, 1, 0, 1]
  for (let i = 1; i < count; i++) {
    const to = Math.min(0x3fff, i === 1 ? 12 : out.length - 6)
    out.push(0xc0 | (to >> 8), to & 255, 0, 1, 0, 1)
  }
  return Uint8Array.from(out)
}

export const dns: FuzzTarget = {
  name: 'dns',
  samples: () => [dnsMessage(20), dnsMessage(200), pointers(300)],
  open: () => {
    const reader = new Reader()
    return (input) => {
      readDns(reader.reset(input))
    }
  },
  growing: { questions: dnsMessage, pointers },
}

const answerHead = (records: number) => [1, 2, 0x81, 0x80, 0, 1, records >> 8, records & 255, 0, 0, 0, 0]
const IN_A_MINUTE = [0, 1, 0, 0, 0, 60]

/** Addresses of the name that was asked for; of the most records that are read. */
function addresses(bytes: number): Uint8Array {
  const record = [0xc0, 12, 0, 1, ...IN_A_MINUTE, 0, 4, 192, 0, 2, 1]
  const count = Math.max(1, Math.min(200, Math.floor((bytes - 19) / record.length)))
  return Uint8Array.from([...answerHead(count), ...QUESTION, ...Array.from({ length: count }, () => record).flat()])
}

/** Each name stands for the next one. */
function aliases(bytes: number): Uint8Array {
  const count = Math.max(1, Math.min(200, Math.floor((bytes - 19) / 15)))
  const out = [...answerHead(count), ...QUESTION]
  for (let i = 0, owner = 12; i < count; i++) {
    out.push(0xc0 | (owner >> 8), owner & 255, 0, 5, ...IN_A_MINUTE, 0, 3)
    owner = out.length
    out.push(1, 97 + (i % 26), 0)
  }
  return Uint8Array.from(out)
}

/** Read live, from whoever says to be a resolver. */
export const dnsAnswer: FuzzTarget = {
  name: 'dns-answer',
  samples: () => [addresses(40), addresses(300), aliases(300), dnsMessage(20)],
  open: () => {
    const reader = new Reader()
    return (input) => {
      readDnsAnswer(reader.reset(input))
    }
  },
  growing: { addresses, aliases },
  // No more of an answer is copied to us.
  maxBytes: 4_096,
}

/** A ClientHello with as many ciphers and extensions as fit, over records of `recordBytes`. */
function hello(bytes: number): Uint8Array {
  const room = Math.max(60, Math.min(16_000, bytes)) - 50
  const ciphers = Math.floor(room / 4) * 2
  const extensions = Math.floor((room - ciphers) / 4) * 4
  const body = [
    3,
    3,
    ...new Array<number>(32).fill(7),
    0,
    ciphers >> 8,
    ciphers & 255,
    ...new Array<number>(ciphers).fill(19),
  ]
  body.push(1, 0, extensions >> 8, extensions & 255)
  for (let i = 0; i < extensions; i += 4) body.push(i >> 8, i & 255, 0, 0)
  const message = [1, 0, body.length >> 8, body.length & 255, ...body]
  return Uint8Array.from([22, 3, 1, message.length >> 8, message.length & 255, ...message])
}

export const tlsHello: FuzzTarget = {
  name: 'tls-hello',
  samples: () => [hello(100), hello(500)],
  open: () => (input) => {
    const found = findHello(input, 0, input.length, HelloType.client)
    if (typeof found !== 'string') readClientHello(found.reader)
  },
  growing: { 'ciphers and extensions': hello },
}
