/**
 * What `conntrack -E -e NEW,DESTROY -o timestamp,extended,id` printed comes in, Zeek conn.log rows (JSON) go out: how a
 * lab run is kept so that it can be replayed without root. Format: conntrack(8), docs.zeek.org base/protocols/conn.
 */

export type ConnRow = {
  readonly ts: number
  readonly uid: string
  readonly 'id.orig_h': string
  readonly 'id.orig_p': number
  readonly 'id.resp_h': string
  readonly 'id.resp_p': number
  readonly proto: string
  readonly duration: number
  readonly conn_state: string
  readonly orig_pkts: number
  readonly orig_ip_bytes: number
  readonly resp_pkts: number
  readonly resp_ip_bytes: number
}

/** Seconds an entry outlives its flow: the timeouts the lab's router sets (namespace.ts). */
const LINGER_S: Record<string, number> = {
  TIME_WAIT: 3,
  CLOSE: 2,
  LAST_ACK: 1,
  SYN_SENT: 5,
  udp: 5,
  udpStream: 10,
  icmp: 4,
}

export type ConnLog = {
  /** One line of the event stream. */
  event(line: string): void
  /** One line of a listing taken at the end: flows still going on, as far as they got. `now` in epoch seconds. */
  listed(line: string, now: number): void
  /** Rows by the time they ended, as Zeek writes them. */
  rows(): ConnRow[]
}

export function createConnLog(): ConnLog {
  const began = new Map<string, number>()
  const ended: { end: number; row: ConnRow }[] = []
  const take = (line: string, seconds: number, over: boolean) => {
    const seen = readEntry(line)
    if (!seen) return
    const linger = over ? (LINGER_S[seen.lingerAs] ?? 1) : 0
    const start = began.get(seen.id) ?? seconds - linger
    const end = Math.max(start, seconds - linger)
    began.delete(seen.id)
    ended.push({
      end,
      row: { ts: round(start), uid: `C${seen.id}`, ...seen.tuple, duration: round(end - start), ...seen.counts },
    })
  }
  return {
    event(line) {
      const seconds = Number(/^\[(\d+\.\d+)\]/.exec(line)?.[1])
      if (!Number.isFinite(seconds)) return
      if (line.includes('[NEW]')) {
        const seen = readEntry(line)
        if (seen) began.set(seen.id, seconds)
      } else if (line.includes('[DESTROY]')) take(line, seconds, true)
    },
    listed: (line, now) => take(line, now, false),
    rows: () => ended.sort((a, b) => a.end - b.end || (a.row.uid < b.row.uid ? -1 : 1)).map(({ row }) => row),
  }
}

const round = (seconds: number) => Math.round(seconds * 1e3) / 1e3

type Entry = {
  readonly id: string
  readonly lingerAs: string
  readonly tuple: Pick<ConnRow, 'id.orig_h' | 'id.orig_p' | 'id.resp_h' | 'id.resp_p' | 'proto'>
  readonly counts: Pick<ConnRow, 'conn_state' | 'orig_pkts' | 'orig_ip_bytes' | 'resp_pkts' | 'resp_ip_bytes'>
}

/** The fields of one entry; the first of a name is the original direction, the second the reply. */
function readEntry(line: string): Entry | null {
  const proto = /\b(tcp|udp|icmp|icmpv6|ipv6-icmp)\s+\d+\s/.exec(line)?.[1]
  const id = /\bid=(\d+)\s*$/.exec(line)?.[1]
  if (!proto || !id) return null
  const all = (name: string) => [...line.matchAll(new RegExp(`\\b${name}=(\\S+)`, 'g'))].map((m) => m[1]!)
  const [source] = all('src')
  const [target] = all('dst')
  if (!source || !target) return null
  const isIcmp = proto.includes('icmp')
  const port = (name: string) => Number(all(name)[0] ?? 0)
  const packets = all('packets').map(Number)
  const bytes = all('bytes').map(Number)
  const state =
    /\b(SYN_SENT2?|SYN_RECV|ESTABLISHED|FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT|CLOSE)\b/.exec(line)?.[1] ?? ''
  return {
    id,
    lingerAs: proto === 'tcp' ? state : isIcmp ? 'icmp' : line.includes('[ASSURED]') ? 'udpStream' : 'udp',
    tuple: {
      'id.orig_h': source,
      'id.orig_p': port(isIcmp ? 'type' : 'sport'),
      'id.resp_h': target,
      'id.resp_p': port(isIcmp ? 'code' : 'dport'),
      proto: isIcmp ? 'icmp' : proto,
    },
    counts: {
      conn_state: stateOf(proto, state, line.includes('[ASSURED]'), packets[1] ?? 0),
      orig_pkts: packets[0] ?? 0,
      orig_ip_bytes: bytes[0] ?? 0,
      resp_pkts: packets[1] ?? 0,
      resp_ip_bytes: bytes[1] ?? 0,
    },
  }
}

function stateOf(proto: string, state: string, assured: boolean, replies: number): string {
  if (replies === 0) return 'S0'
  if (proto !== 'tcp') return 'SF'
  if (state === 'CLOSE') return assured ? 'RSTO' : 'REJ'
  return state === 'ESTABLISHED' ? 'S1' : 'SF'
}
