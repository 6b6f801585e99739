/**
 * What anybody changes in the kernel, told by the kernel: addresses, routes and links here and in the namespaces behind our
 * links, qdiscs here, and the tables that are ours. It says that something changed, not what; `repair` looks. Reading is a
 * few system calls when asked, so that it costs no thread.
 */
import type { NetlinkSocket } from '../netlink/socket.ts'

/** `table` = one of ours; `link` = addresses, routes, devices; `shape` = qdiscs, classes, filters. */
export type Noticed = 'table' | 'link' | 'shape'
export type KernelWatch = {
  /** Since the last call; `peek` leaves it to be taken. */
  take(): ReadonlySet<Noticed>
  peek(): boolean
  close(): void
}

/** linux/rtnetlink.h, as bits: LINK 1, TC 4, IPV4_IFADDR 5, IPV4_ROUTE 7, IPV6_IFADDR 9, IPV6_ROUTE 11. */
const ROUTE_GROUPS = (1 << 0) | (1 << 3) | (1 << 4) | (1 << 6) | (1 << 8) | (1 << 10)
/** linux/netfilter/nfnetlink.h: NFNLGRP_NFTABLES 7. */
const TABLE_GROUPS = 1 << 6
/** RTM_NEWQDISC … RTM_GETTFILTER (linux/rtnetlink.h). */
const SHAPES = { first: 36, last: 47 } as const
const BUFFER_BYTES = 1 << 20
/** Beyond it something changed for sure. */
const MOST_DATAGRAMS = 2_000
/** Behind the message's own header: length and type of the first attribute, which is the table's name (NFTA_TABLE_NAME = 1). */
const NFGEN_BYTES = 4

/** null where the kernel cannot be listened to: then what is not looked at each second is looked at every tenth. */
export async function watchKernel(): Promise<KernelWatch | null> {
  const { Family, NetlinkSocket } = await import('../netlink/socket.ts').catch(() => ({
    Family: null,
    NetlinkSocket: null,
  }))
  if (Family === null) return null
  const options = { bufferBytes: BUFFER_BYTES, waitMs: 1 }
  try {
    const route = new NetlinkSocket(Family.route, { ...options, groups: ROUTE_GROUPS, peers: true })
    const tables = new NetlinkSocket(Family.netfilter, { ...options, groups: TABLE_GROUPS })
    let noticed = new Set<Noticed>()
    const listen = () => {
      drain(route, ['link', 'shape'], noticed, ({ type }) =>
        type >= SHAPES.first && type <= SHAPES.last ? 'shape' : 'link',
      )
      drain(tables, ['table'], noticed, ({ payload }) => (isOurs(payload) ? 'table' : null))
    }
    return {
      take() {
        listen()
        const taken = noticed
        noticed = new Set()
        return taken
      },
      peek() {
        listen()
        return noticed.size > 0
      },
      close() {
        route.close()
        tables.close()
      },
    }
  } catch {
    return null
  }
}

type Judge = (message: { readonly type: number; readonly payload: Buffer }) => Noticed | null

function drain(socket: NetlinkSocket, all: readonly Noticed[], into: Set<Noticed>, judge: Judge): void {
  const overruns = socket.overruns
  for (let datagrams = 0; datagrams < MOST_DATAGRAMS; datagrams++) {
    const found = socket.receiveNow()
    if (found.length === 0) break
    for (const message of found) {
      const what = judge(message)
      if (what !== null) into.add(what)
    }
  }
  if (socket.overruns > overruns) for (const what of all) into.add(what)
}

/** Elements of the reflex sets come and go by our own hand, many a second. */
function isOurs(payload: Buffer): boolean {
  const text = payload.toString('latin1', NFGEN_BYTES)
  return text.includes('guise') && !text.includes('reflex')
}
