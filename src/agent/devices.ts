/**
 * The devices that only route through this host, found without being named: who answers on the interfaces that
 * `--gateway` names, by the kernel's own table of neighbours. The kernel tells each change, so an address is known a
 * fraction of a second after it is used; the table is read whole now and then. What is known is kept in
 * `HOME/devices.json`, because after a boot that table is empty and the devices are there.
 */
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalText, cidrContains, isV4, parseAddress, type Words } from '../model/address.ts'
import { deviceKey } from '../model/device-key.ts'
import type { WorkloadReport } from '../model/wire.ts'
import type { Message } from '../netlink/message.ts'
import { Family, NetlinkSocket } from '../netlink/socket.ts'
import { createDeviceBook, Device } from './device-book.ts'
import { keep, keptFault, readKept } from './kept-file.ts'
import { openLeases } from './leases.ts'
import {
  linkRequest,
  NEIGHBOUR_GROUP,
  neighboursRequest,
  readLink,
  readNeighbour,
  solicitRequest,
} from './neighbours.ts'

export type Gateway = {
  readonly faces: readonly string[]
  /** File of DHCP leases, which name devices. */
  readonly leases: string | null
}
export type DeviceWatch = {
  readonly counters: { sightings: number; overruns: number; solicited: number; failed: number }
  /** Devices for which there was no room. */
  readonly refused: number
  readonly known: number
  /** Why they are not looked for, not told or not written down just now. */
  readonly failing: string | null
  /** A packet from here was refused as nobody's: the link is asked who has it. */
  suspect(address: Words | Uint32Array): void
  close(): void
}

const LISTEN_MS = 150
const WHOLE_LOOK_MS = 10_000
const KEEP_MS = 300_000
/** Whoever makes addresses up, ours is no more work than this: so many changes within so long. */
const [MOST_CHANGES, CHANGES_WITHIN_MS] = [20, 10_000]
const MOST_DATAGRAMS = 500
const [MOST_SOLICITED, SOLICIT_AGAIN_MS] = [100, 1_000]
const BUFFER_BYTES = 1 << 20
const isKept = Compile(Type.Array(Device, { maxItems: 100_000 }))

/** As they were when they were written down last. `named`: what the inventory says already; a link of its own is no shared one. */
export function foundDevices(home: string, gateway: Gateway, named: readonly WorkloadReport[]): WorkloadReport[] {
  if (gateway.faces.length === 0) return []
  const names = openLeases(gateway.leases)()
  const keys = new Set(named.map(({ key }) => key))
  const linked = new Set(named.flatMap((one) => (one.driver === 'gateway' ? [] : (one.interface ?? []))))
  const taken = new Set(named.flatMap((one) => one.addresses.map((address) => spotOf(one, address))))
  return read(home)
    .filter(({ face }) => gateway.faces.includes(face) && !linked.has(face))
    .map((device) => reportOf(device, names))
    .map((one) => ({ ...one, addresses: one.addresses.filter((address) => !taken.has(spotOf(one, address))) }))
    .filter(({ key, addresses }) => !keys.has(key) && addresses.length > 0)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** One address of one link, however it is written. */
function spotOf({ interface: face }: WorkloadReport, address: string): string {
  return `${face} ${canonicalText(address.split('/')[0]!)}`
}

function reportOf({ face, mac, seen }: Device, names: ReadonlyMap<string, string>): WorkloadReport {
  const kind = 'device' as WorkloadReport['kind']
  const addresses = Object.keys(seen).sort()
  const name = names.get(mac) ?? mac
  return { key: deviceKey(mac), name, kind, driver: 'gateway', interface: face, addresses, labels: {} }
}

/** Calls `changed` when one comes or goes, or has another address or name; by then `foundDevices` knows it. */
export function watchDevices(
  home: string,
  gateway: Gateway,
  options: { readonly changed: () => void; readonly say: (line: string) => void; readonly clock: () => number },
): DeviceWatch {
  const { clock } = options
  const book = createDeviceBook(read(home).filter(({ face }) => gateway.faces.includes(face)))
  const counters = { sightings: 0, overruns: 0, solicited: 0, failed: 0 }
  const leases = openLeases(gateway.leases)
  const links = new Map<number, string>()
  const asked = new Map<string, number>()
  const changes: number[] = []
  let socket: NetlinkSocket | null = null
  let failing: string | null = null
  let [lookedAt, keptAt, names, isOwed] = [Number.NEGATIVE_INFINITY, 0, leases(), false]

  const hear = (message: Message) => {
    const link = readLink(message)
    if (link !== null && gateway.faces.includes(link.name)) links.set(link.link, link.name)
    const neighbour = readNeighbour(message)
    const face = neighbour === null ? undefined : links.get(neighbour.link)
    if (neighbour === null || face === undefined) return
    counters.sightings++
    const now = clock()
    const { mac, address, agoMs } = neighbour
    if (book.see({ face, mac, address, at: now - agoMs }, now)) isOwed = true
  }
  const look = (open: NetlinkSocket) => {
    links.clear()
    for (const face of gateway.faces) {
      open.send(linkRequest(open.nextSequence(), face))
      drain(open, hear)
    }
    open.send(neighboursRequest(open.nextSequence()))
    drain(open, hear)
    const named = leases()
    if (named !== names || book.forget(clock())) isOwed = true
    names = named
  }
  const turn = () => {
    try {
      socket ??= new NetlinkSocket(Family.route, { groups: NEIGHBOUR_GROUP, bufferBytes: BUFFER_BYTES, waitMs: 1 })
      drain(socket, hear)
      const isLost = socket.overruns > counters.overruns
      counters.overruns = socket.overruns
      const monotonic = performance.now()
      if (isLost || monotonic - lookedAt > WHOLE_LOOK_MS) {
        look(socket)
        lookedAt = monotonic
      }
      tell(monotonic)
      if (!isOwed) failing = null
    } catch (error) {
      socket?.close()
      socket = null
      counters.failed++
      const why = (error as Error).message
      if (why !== failing) options.say(`devices are not looked for: ${why}`)
      failing = why
    }
  }
  const write = () => keep(pathOf(home), book.devices(), options.say)
  const tell = (monotonic: number) => {
    while (changes.length > 0 && monotonic - changes[0]! > CHANGES_WITHIN_MS) changes.shift()
    if (isOwed && changes.length < MOST_CHANGES) {
      changes.push(monotonic)
      write()
      keptAt = monotonic
      options.changed()
      // What fails up to here is owed still.
      isOwed = false
    } else if (monotonic - keptAt > KEEP_MS) {
      write()
      keptAt = monotonic
    }
  }
  const turning = setInterval(turn, LISTEN_MS)
  turn()

  return {
    counters,
    get refused() {
      return book.refused
    },
    get known() {
      return book.devices().length
    },
    get failing() {
      return failing ?? keptFault(pathOf(home))
    },
    suspect(address) {
      const face = socket === null ? undefined : onLink(gateway.faces, address)
      const link = [...links].find(([, name]) => name === face)?.[0]
      if (socket === null || link === undefined) return
      const [bytes, monotonic] = [bytesOf(address), performance.now()]
      const name = `${link} ${bytes.join('.')}`
      for (const [one, at] of asked) if (monotonic - at > SOLICIT_AGAIN_MS) asked.delete(one)
      if (asked.has(name) || asked.size >= MOST_SOLICITED) return
      asked.set(name, monotonic)
      counters.solicited++
      socket.send(solicitRequest(socket.nextSequence(), link, bytes))
    },
    close() {
      clearInterval(turning)
      write()
      socket?.close()
    },
  }
}

function drain(socket: NetlinkSocket, hear: (message: Message) => void): void {
  for (let datagrams = 0; datagrams < MOST_DATAGRAMS; datagrams++) {
    const found = socket.receiveNow()
    if (found.length === 0) return
    for (const message of found) hear(message)
  }
}

/** Which of these links the address is of, by our own prefixes there. */
function onLink(faces: readonly string[], address: Words | Uint32Array): string | undefined {
  const ours = networkInterfaces()
  return faces.find((face) =>
    (ours[face] ?? []).some(({ cidr }) => {
      const [text = '', length = ''] = (cidr ?? '').split('/')
      const base = parseAddress(text)
      if (base === null || isV4(base) !== isV4(address)) return false
      return cidrContains({ base, length: Number(length) + (isV4(base) ? 96 : 0) }, address)
    }),
  )
}

function bytesOf(address: Words | Uint32Array): Uint8Array {
  const all = Buffer.alloc(16)
  for (let i = 0; i < 4; i++) all.writeUInt32BE(address[i]! >>> 0, i * 4)
  return isV4(address) ? all.subarray(12) : all
}

const pathOf = (home: string) => join(home, 'devices.json')

function read(home: string): readonly Device[] {
  const kept = readKept(pathOf(home))
  return isKept.Check(kept) ? kept : []
}
