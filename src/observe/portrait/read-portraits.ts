/** One capture file comes in, what its device was by certain moments goes out: after so much of its traffic, and at the end. */
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { copyPortrait, type Portrait } from '../../model/portrait.ts'
import { createCapture } from '../pcap/capture.ts'
import { DecodeError } from '../reader.ts'
import { createPortraits } from './portraits.ts'

export type Moments = {
  readonly device: string
  /** In the order of `afterMs`; a device that was silent by then is as it was. */
  readonly at: readonly Portrait[]
  readonly whole: Portrait
}

const ETHERNET = 1

/** Null when nobody is in it. Throws with the file's name when it is no capture of Ethernet. */
export async function readPortraits(
  path: string,
  options: { readonly device: string | null; readonly afterMs: readonly number[] },
): Promise<Moments | null> {
  const snapshots = new Map<string, Portrait[]>()
  const portraits = createPortraits((mac, portrait, timeMs) => {
    const taken = snapshots.get(mac) ?? []
    if (taken.length === 0) snapshots.set(mac, taken)
    while (taken.length < options.afterMs.length && timeMs - portrait.first > options.afterMs[taken.length]!)
      taken.push(copyPortrait(portrait))
  })
  const other = { frames: 0 }
  const capture = createCapture({
    packet(reader, timeMs, linkType, cutBytes) {
      if (linkType === ETHERNET) portraits.take(reader, timeMs, reader.left + cutBytes)
      else other.frames++
    },
    refused() {},
  })
  const raw = createReadStream(path)
  const chunks = path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw
  raw.on('error', (error) => chunks.destroy(error))
  try {
    for await (const chunk of chunks as AsyncIterable<Buffer>) capture.push(chunk)
  } catch (error) {
    // What was read before the place where it breaks off counts.
    if (!(error instanceof DecodeError) && (error as NodeJS.ErrnoException).code !== 'Z_BUF_ERROR')
      throw new Error(`reading ${path}: ${(error as Error).message}`)
  }
  if (portraits.devices.size === 0 && other.frames > 0)
    throw new Error(
      `${path} is no capture of Ethernet: devices are known by their hardware address. Capture on the link itself`,
    )
  const device = options.device ?? likeliestDevice(portraits.devices)
  const whole = device === null ? undefined : portraits.devices.get(device)
  if (device === null || whole === undefined) return null
  const taken = snapshots.get(device) ?? []
  return { device, at: options.afterMs.map((_, i) => taken[i] ?? whole), whole }
}

/** Who asks for an address is a device; a gateway and a server give and have theirs. Else who is in most frames. */
function likeliestDevice(devices: ReadonlyMap<string, Portrait>): string | null {
  let best: string | null = null
  let most = -1
  for (const [mac, { behaviour, packets }] of devices) {
    const asks = [...behaviour.keys()].some(
      (word) => word.startsWith('sends dhcp asks') || word.startsWith('sends eapol'),
    )
    const score = packets + (asks ? 1e9 : 0)
    if (score > most) {
      most = score
      best = mac
    }
  }
  return best
}
