/**
 * Watching one flow pass the rules: a flow comes in, the table that marks its packets goes out (nft text), and so does the
 * reading of what `nft monitor trace` prints (nft(8), TRACE), since nft 1.0 has no JSON for it. The mark is an element
 * with a timeout: a tracer that is killed leaves a table that matches nothing.
 */
export type TracedFlow = {
  readonly from: string
  readonly to: string
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** Of the destination; null = any, and for ICMP. */
  readonly port: number | null
}

/** Before conntrack and every rule (NF_IP_PRI_RAW is −300). */
const PRIORITY = -350
/** A flood must not drown the reader: the packets beyond are not traced. */
const LIMIT = 'limit rate 50/second burst 100 packets'

export function traceTable(name: string, flow: TracedFlow, seconds: number): string {
  const family = flow.from.includes(':') ? 'ip6' : 'ip'
  const address = family === 'ip6' ? 'ipv6_addr' : 'ipv4_addr'
  const number = flow.protocol === 'icmp' ? (family === 'ip6' ? 'ipv6-icmp' : 'icmp') : flow.protocol
  const port = flow.port === null ? '' : ` . ${flow.port}`
  const type = `${address} . ${address} . inet_proto${flow.port === null ? '' : ' . inet_service'}`
  const match = (set: string, end: 'dport' | 'sport') =>
    `${family} saddr . ${family} daddr . meta l4proto${flow.port === null ? '' : ` . th ${end}`} @${set} ${LIMIT} meta nftrace set 1`
  const set = (called: string, ends: string) =>
    `  set ${called} {\n    type ${type}\n    flags timeout\n    elements = { ${ends} . ${number}${port} timeout ${seconds}s }\n  }`
  const chain = (hook: string) =>
    `  chain ${hook} {\n    type filter hook ${hook} priority ${PRIORITY}; policy accept;\n    ${match('there', 'dport')}\n    ${match('back', 'sport')}\n  }`
  return `table inet ${name} {\n${[
    set('there', `${flow.from} . ${flow.to}`),
    set('back', `${flow.to} . ${flow.from}`),
    chain('prerouting'),
    chain('output'),
  ].join('\n')}\n}\n`
}

export type TraceLine = { readonly id: string; readonly table: string; readonly chain: string } & (
  | {
      readonly kind: 'packet'
      readonly enters: string | null
      readonly leaves: string | null
      /** With its port: `10.0.0.5:443`, `[fd00::5]:443`. */
      readonly source: string
      readonly target: string
      /** Source and target address alone. */
      readonly ends: readonly [string, string]
      readonly what: string
    }
  | { readonly kind: 'rule'; readonly rule: string; readonly comment: string | null; readonly verdict: string }
  | { readonly kind: 'policy'; readonly verdict: string }
)

const HEAD = /^trace id ([0-9a-f]+) (\w+ \S+) (\S+) (packet:|rule|policy|verdict|unknown) ?(.*)$/

/** Null for what is no line of a trace. */
export function readTraceLine(line: string): TraceLine | null {
  const found = HEAD.exec(line.trim())
  if (found === null) return null
  const [, id = '', table = '', chain = '', kind = '', rest = ''] = found
  const at = { id, table, chain }
  if (kind === 'packet:') return { ...at, kind: 'packet', ...readPacket(rest) }
  if (kind === 'policy') return { ...at, kind: 'policy', verdict: rest.trim() }
  if (kind !== 'rule') return null
  const verdict = /\(verdict ([^()]*)\)\s*$/.exec(rest)
  const rule = verdict === null ? rest : rest.slice(0, verdict.index).trim()
  return {
    ...at,
    kind: 'rule',
    rule,
    comment: /comment "([^"]*)"$/.exec(rule)?.[1] ?? null,
    verdict: verdict?.[1] ?? '',
  }
}

function readPacket(text: string) {
  const word = (name: string): string | null => new RegExp(`(?:^| )${name} "?([^" ]+)"?`).exec(text)?.[1] ?? null
  const address = (end: string) => word(`ip ${end}`) ?? word(`ip6 ${end}`) ?? '?'
  const port = (end: string) => word(`tcp ${end}`) ?? word(`udp ${end}`)
  const joined = (end: string, portWord: string) => {
    const found = port(portWord)
    return found === null
      ? address(end)
      : address(end).includes(':')
        ? `[${address(end)}]:${found}`
        : `${address(end)}:${found}`
  }
  const flags = /tcp flags == (\S+)/.exec(text)?.[1]
  const icmp = /(icmp(?:v6)? type \S+)/.exec(text)?.[1]
  const what = flags === undefined ? (icmp ?? (/ udp /.test(text) ? 'udp' : '')) : `tcp ${flags}`
  return {
    enters: word('iif') ?? word('iifname'),
    leaves: word('oif') ?? word('oifname'),
    source: joined('saddr', 'sport'),
    target: joined('daddr', 'dport'),
    ends: [address('saddr'), address('daddr')] as const,
    what,
  }
}
