/** The same made-up site as logs: a Zeek conn.log (TSV) and Suricata's eve.json with its usual mix of events. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { seeded } from '../seeded.ts'
import { skewed } from './datagrams.ts'

const START_S = 1_767_000_000
/** Events of a busy sensor, as dense as one of them has them. */
const PER_SECOND = 20_000
const HEADER = `#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tconn
#open\t2025-12-29-09-20-00
#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents
#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]
`

type Talk = {
  readonly at: number
  readonly client: string
  readonly clientPort: number
  readonly server: string
  readonly port: number
  readonly out: number
  readonly into: number
}

function* talks(n: number): Generator<Talk> {
  const below = seeded(11)
  const ports = [443, 443, 443, 80, 53, 53, 22, 5432, 6379, 25]
  for (let i = 0; i < n; i++) {
    const client = skewed(below, 256)
    const pick = below(10) < 9 ? seeded(client * 16 + skewed(below, 16)) : below
    const server = pick(10) < 6 ? `10.20.2.${pick(64)}` : `192.2.${pick(8)}.${pick(250)}`
    yield {
      at: START_S + i / PER_SECOND,
      client: `10.20.0.${client}`,
      clientPort: 1_024 + below(60_000),
      server,
      port: ports[pick(ports.length)]!,
      out: 100 + below(3_000),
      into: 100 + below(40_000),
    }
  }
}

export function writeZeek(folder: string, rows: number): string {
  const path = join(folder, 'conn.log')
  const lines = (one: Talk, i: number) =>
    `${one.at.toFixed(6)}\tC${i.toString(36).padStart(17, 'x')}\t${one.client}\t${one.clientPort}\t${one.server}\t${one.port}\t${one.port === 53 ? 'udp\tdns' : 'tcp\tssl'}\t0.412345\t${one.out}\t${one.into}\tSF\tT\tF\t0\tShADadFf\t12\t${one.out + 480}\t14\t${one.into + 560}\t-\n`
  write(path, rows, HEADER, lines)
  return path
}

/** Of ten events six are flows, as with Suricata's own default outputs on ordinary traffic. */
export function writeEve(folder: string, rows: number): string {
  const path = join(folder, 'eve.json')
  const lines = (one: Talk, i: number) => {
    const time = new Date(one.at * 1_000).toISOString().replace('Z', '000+0000')
    const proto = one.port === 53 ? 'UDP' : 'TCP'
    const ends = `"src_ip":"${one.client}","src_port":${one.clientPort},"dest_ip":"${one.server}","dest_port":${one.port},"proto":"${proto}"`
    const head = `{"timestamp":"${time}","flow_id":${1e15 + i},"in_iface":"eth0"`
    const flow = `${head},"event_type":"flow",${ends},"app_proto":"${one.port === 53 ? 'dns' : 'tls'}","flow":{"pkts_toserver":12,"pkts_toclient":14,"bytes_toserver":${one.out},"bytes_toclient":${one.into},"start":"${time}","end":"${time}","age":0,"state":"closed","reason":"timeout","alerted":false}${proto === 'TCP' ? ',"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}' : ''}}\n`
    const other =
      i % 2 === 0
        ? `${head},"event_type":"dns",${ends},"dns":{"version":2,"type":"query","id":${i % 65_536},"rrname":"host${i % 500}.example.com","rrtype":"A","tx_id":0}}\n`
        : `${head},"event_type":"tls",${ends},"tls":{"subject":"CN=example.com","issuerdn":"C=US, O=Example, CN=Example CA","serial":"00:01","fingerprint":"aa:bb","sni":"host${i % 500}.example.com","version":"TLS 1.3","notbefore":"2025-01-01T00:00:00","notafter":"2026-01-01T00:00:00"}}\n`
    return i % 3 === 0 ? other + flow : i % 3 === 1 ? flow : flow + other
  }
  write(path, rows, '', lines)
  return path
}

function write(path: string, rows: number, header: string, line: (talk: Talk, i: number) => string): void {
  const file = openSync(path, 'w')
  let text = header
  let i = 0
  for (const talk of talks(rows)) {
    text += line(talk, i++)
    if (text.length < 1 << 20) continue
    writeSync(file, text)
    text = ''
  }
  writeSync(file, text)
  closeSync(file)
}
