/** One capture file comes in, what its device was by certain moments goes out: after so much of its traffic, and at the end. */
import { copyPortrait, type Portrait } from '../../model/portrait.ts'
import { createCapture } from '../pcap/capture.ts'
import { DecodeError } from '../reader.ts'
import { openBytes, readHead } from '../sources/open-bytes.ts'
import { createPortraits } from './portraits.ts'

export type Moments = {
  /** In the order of `afterMs`; a device that was silent by then is as it was. */
  readonly at: readonly Portrait[]
  readonly whole: Portrait
}
export type ReadPortraits = {
  /** Null when its device is not in it. */
  readonly moments: Moments | null
  /** Packets that are not of Ethernet: whose they are, no hardware address says. */
  readonly others: number
  /** Why it was read no further, or what of it could not be read; null = all of it was. */
  readonly cut: string | null
}

const ETHERNET = 1

/** `device` = hardware address, null = the likeliest is found out. Throws with the file's name when the disk does. */
export async function readPortraits(
  path: string,
  options: { readonly device: string | null; readonly afterMs: readonly number[] },
): Promise<ReadPortraits> {
  const snapshots = new Map<string, Portrait[]>()
  const portraits = createPortraits((mac, portrait, timeMs) => {
    if (options.device !== null && mac !== options.device) return
    const taken = snapshots.get(mac) ?? []
    if (taken.length === 0) snapshots.set(mac, taken)
    while (taken.length < options.afterMs.length && timeMs - portrait.first > options.afterMs[taken.length]!)
      taken.push(copyPortrait(portrait))
  })
  const count = { others: 0, refused: 0 }
  const capture = createCapture({
    packet(reader, timeMs, linkType, cutBytes) {
      if (linkType === ETHERNET) portraits.take(reader, timeMs, reader.left + cutBytes)
      else count.others++
    },
    refused() {
      count.refused++
    },
  })
  const broken = await readAll(path, capture)
  const cut = broken ?? (count.refused > 0 ? `${count.refused} of its records are no packets` : null)
  const device = options.device ?? likeliestDevice(portraits.devices)
  const whole = device === null ? undefined : portraits.devices.get(device)
  if (device === null || whole === undefined) return { moments: null, others: count.others, cut }
  const taken = snapshots.get(device) ?? []
  const at = options.afterMs.map((_, i) => taken[i] ?? whole)
  return { moments: { at, whole }, others: count.others, cut }
}

/** What was read before the place where it breaks off counts. */
async function readAll(path: string, capture: ReturnType<typeof createCapture>): Promise<string | null> {
  try {
    const { isGzip } = await readHead(path)
    for await (const chunk of openBytes({ path, isGzip }, () => {})) capture.push(chunk)
    return capture.end()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof DecodeError || code?.startsWith('Z_') === true) return message
    throw new Error(`reading ${path}: ${message}`)
  }
}

/** Who asks for an address is a device; a gateway and a server give and have theirs. Else who is in most frames. */
function likeliestDevice(devices: ReadonlyMap<string, Portrait>): string | null {
  let best: string | null = null
  let most = -1
  for (const [mac, { behaviour, packets }] of devices) {
    const asks = [...behaviour.keys()].some((word) => word.startsWith('sends dhcp asks'))
    const score = packets + (asks ? 1e9 : 0)
    if (score > most) {
      most = score
      best = mac
    }
  }
  return best
}
