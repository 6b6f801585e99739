/**
 * Sightings of neighbours on shared interfaces come in, the devices behind them go out. A device is its Ethernet address;
 * it has the addresses it was seen with lately. One that sleeps stays what it is for a week, since nobody can tell a phone
 * that is off from one that is gone; bounded, because anybody on the link can make addresses up.
 */
import { Type } from 'typebox'
import { isV4, parseAddress } from '../model/address.ts'

export const Device = Type.Object(
  {
    face: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,15}$' }),
    mac: Type.String({ pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$' }),
    /** Address → when it was last known to be its own, epoch ms. */
    seen: Type.Record(Type.String({ maxLength: 45 }), Type.Number()),
  },
  { additionalProperties: false },
)
export type Device = Type.Static<typeof Device>
export type Sighting = { readonly face: string; readonly mac: string; readonly address: string; readonly at: number }

export type DeviceBook = {
  /** Sightings of devices for which there was no room. */
  readonly refused: number
  /** True when a device, or what it is reached by, is other than before. */
  see(sighting: Sighting, now: number): boolean
  /** Lets go of what was not seen for long; true when anything is to be kept otherwise than before. */
  forget(now: number): boolean
  devices(): readonly Device[]
}

const GONE_MS = 7 * 86_400_000
const MOST_DEVICES = 1_000
/** Of each family: privacy addresses come one a day (RFC 8981 §3.8). */
const MOST_ADDRESSES = 12
/** A device that was heard of within this time is not let go for one that is new. */
const RECENT_MS = 3_600_000

export function createDeviceBook(kept: readonly Device[]): DeviceBook {
  const devices = new Map(kept.map((device) => [device.mac, { ...device, seen: { ...device.seen } }]))
  let refused = 0
  const holder = (face: string, address: string) =>
    [...devices.values()].find((one) => one.face === face && one.seen[address] !== undefined)

  const roomFor = (face: string, now: number): boolean => {
    const there = [...devices.values()].filter((one) => one.face === face)
    if (there.length < MOST_DEVICES) return true
    const oldest = there.reduce((a, b) => (lastOf(a) <= lastOf(b) ? a : b))
    if (now - lastOf(oldest) < RECENT_MS) return false
    devices.delete(oldest.mac)
    return true
  }

  return {
    get refused() {
      return refused
    },
    see({ face, mac, address, at }, now) {
      if (now - at > GONE_MS || !isUsable(address)) return false
      const known = devices.get(mac)
      // The same device on another interface of ours is where it was seen last.
      const moves = known !== undefined && known.face !== face
      if (moves && lastOf(known) >= at) return false
      if (known !== undefined && !moves && known.seen[address] !== undefined) {
        known.seen[address] = Math.max(known.seen[address], at)
        return false
      }
      if ((known === undefined || moves) && !roomFor(face, now)) {
        refused++
        return false
      }
      const seen = bounded({ ...(known === undefined || moves ? {} : known.seen), [address]: at })
      // Known longer than as many others: it would be news with every look.
      if (seen[address] === undefined) return false
      const before = holder(face, address)
      if (before !== undefined) {
        delete before.seen[address]
        if (Object.keys(before.seen).length === 0) devices.delete(before.mac)
      }
      devices.set(mac, { face, mac, seen })
      return true
    },
    forget(now) {
      let changed = false
      for (const [mac, { seen }] of devices) {
        for (const [address, at] of Object.entries(seen)) {
          if (at <= now && now - at <= GONE_MS) continue
          // Stamped while the clock was ahead, it would be the newest for as long, and never go.
          if (at > now) seen[address] = now
          else delete seen[address]
          changed = true
        }
        if (Object.keys(seen).length === 0) devices.delete(mac)
      }
      return changed
    },
    devices: () => [...devices.values()],
  }
}

function lastOf({ seen }: Device): number {
  return Math.max(...Object.values(seen), 0)
}

/** Of each family those that were seen last. */
function bounded(seen: Readonly<Record<string, number>>): Record<string, number> {
  const newest = Object.entries(seen).sort(([, a], [, b]) => b - a)
  const of = (six: boolean) => newest.filter(([address]) => address.includes(':') === six).slice(0, MOST_ADDRESSES)
  return Object.fromEntries([...of(false), ...of(true)])
}

/** What can be routed: no link-local address, no group. */
function isUsable(address: string): boolean {
  const words = parseAddress(address)
  if (words === null) return false
  const first = isV4(words) ? words[3] >>> 24 : words[0] >>> 24
  if (isV4(words)) return first !== 0 && first !== 127 && first < 224 && words[3] >>> 16 !== 0xa9fe
  return first !== 0xff && first !== 0 && words[0] >>> 22 !== 0x3fa
}
