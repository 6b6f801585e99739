/**
 * Who sends to us: an allow-list of exporters, and how each of them is. A sender nobody allowed costs one look-up a
 * datagram; it is counted, and named among the refused as long as there is room for names.
 */
import { formatAddress } from '../../model/address.ts'
import { createAddressTable } from '../../model/address-table.ts'
import { createNetworks } from '../../model/networks.ts'

export type Exporter = {
  /** Its address as text: what the decoder knows it by. */
  readonly name: string
  readonly isAllowed: boolean
  packets: number
  refused: number
  lastSeen: number
  /** Its clock minus ours, ms; NaN = it told no time. */
  skewMs: number
  /** What is added to its header's time to make up for that. */
  shiftMs: number
}

export type Exporters = {
  /** Senders that were refused a place because the table is full, by datagrams. */
  readonly crowded: number
  /** Datagrams of senders who are not on the list. */
  readonly strangers: number
  /** Who sent this, null when it may not: counted. */
  admit(sender: Uint32Array, now: number): Exporter | null
  known(): readonly Exporter[]
}

/** More senders than that are forgeries. */
const MAX_EXPORTERS = 4_096
/** What may send when nobody said who: this machine only. */
const LOOPBACK = ['127.0.0.0/8', '::1/128']

export function createExporters(allowed: readonly string[]): Exporters {
  const networks = createNetworks(allowed.length > 0 ? allowed : LOOPBACK)
  const table = createAddressTable(MAX_EXPORTERS)
  const exporters: Exporter[] = []
  const last = new Uint32Array(4)
  let lastOne: Exporter | null = null
  let crowded = 0
  let strangers = 0

  const find = (sender: Uint32Array): Exporter | null => {
    const known = table.find(sender, 0)
    if (known >= 0) return exporters[known]!
    const isAllowed = networks.covers(sender)
    // A forger's addresses must not take the places of those who are allowed.
    if (!isAllowed && exporters.length > MAX_EXPORTERS / 2) return null
    const id = table.intern(sender, 0)
    if (id < 0) return null
    const name = formatAddress(sender)
    const made = { name, isAllowed, packets: 0, refused: 0, lastSeen: 0, skewMs: Number.NaN, shiftMs: 0 }
    exporters[id] = made
    return made
  }

  return {
    get crowded() {
      return crowded
    },
    get strangers() {
      return strangers
    },
    admit(sender, now) {
      // Datagrams of one sender come in a row.
      const isSame =
        lastOne !== null &&
        sender[3] === last[3] &&
        sender[2] === last[2] &&
        sender[1] === last[1] &&
        sender[0] === last[0]
      const one = isSame ? lastOne : find(sender)
      if (one === null) {
        if (networks.covers(sender)) crowded++
        else strangers++
        return null
      }
      if (!isSame) {
        last.set(sender)
        lastOne = one
      }
      one.packets++
      one.lastSeen = now
      if (one.isAllowed) return one
      one.refused++
      strangers++
      return null
    },
    known: () => exporters,
  }
}
