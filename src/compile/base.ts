/**
 * The part of table `inet guise` that never depends on a plan: base chains, dispatch, and the empty sets and maps that
 * plans fill. Because it is constant, every change of plan is elements and new chains, which the kernel can undo by
 * itself when their timeout ends.
 *
 * A packet of ours passes, in this order: link-scope necessities (ND, DHCP) · own source address · invalid and
 * untracked dropped · related ICMP errors · fail-safe paths · containment · reflex · flows older than the first rules · pending shift · pending rules · permanent rules ·
 * dropped, for an interface of ours without an entry. Foreign packets leave at the first rule.
 *
 * Devices that only route through us share an interface, so there they are told apart by address, in base chains of their
 * own: what comes from or goes to an address that is no device's passes untouched. In the forward hook a packet carries
 * the device's own address whatever is translated (before it or behind it, nf_ip_hook_priorities), so the address next to
 * the shared interface is who it is, and the rules behind it are those that everybody shares.
 */
import { LOG_GROUP, LOG_LIMIT } from './chains.ts'

export const TABLE = 'inet guise'

/** Maps that a plan writes. Each has a `_pending` sister that is looked up first and whose entries end by themselves. */
export const DISPATCH = {
  eg: 'ifname',
  ing: 'ifname',
  host_eg: 'nf_proto',
  host_ing: 'nf_proto',
  safe_eg: 'nf_proto',
  safe_ing: 'nf_proto',
  dev_eg4: 'ifname . ipv4_addr',
  dev_eg6: 'ifname . ipv6_addr',
  dev_ing4: 'ifname . ipv4_addr',
  dev_ing6: 'ifname . ipv6_addr',
  auto: 'nf_proto',
  shift_eg_orig: 'nf_proto',
  shift_eg_reply: 'nf_proto',
  shift_in_orig: 'nf_proto',
  shift_in_reply: 'nf_proto',
} as const
export type DispatchMap = keyof typeof DISPATCH

/** Where a workload that shifts to rules others wear already is looked for, by the face it has there: see `classes.ts`. */
export const SHIFTS = {
  shift_eg_orig: 'iifname',
  shift_eg_reply: 'oifname',
  shift_in_orig: 'oifname',
  shift_in_reply: 'iifname',
} as const satisfies Partial<Record<DispatchMap, string>>
export type ShiftMap = keyof typeof SHIFTS

export const CONTAIN = {
  eg_contain: 'ifname',
  in_contain: 'ifname',
  host_eg_contain: 'nf_proto',
  host_in_contain: 'nf_proto',
  dev_eg_contain4: 'ifname . ipv4_addr',
  dev_eg_contain6: 'ifname . ipv6_addr',
  dev_in_contain4: 'ifname . ipv4_addr',
  dev_in_contain6: 'ifname . ipv6_addr',
} as const
export type ContainMap = keyof typeof CONTAIN

/** Sets that every compiled state has, if only empty. `state` holds the hash of what is loaded, as a 15-byte name. */
export const MEMBER_SETS = {
  ours: 'ifname',
  ours_host: 'nf_proto',
  source4: 'ifname . ipv4_addr',
  source6: 'ifname . ipv6_addr',
  mac_known: 'ifname',
  source_mac: 'ifname . ether_addr',
  /** Interfaces that devices share, and the addresses there that are a device's. */
  shared: 'ifname',
  device4: 'ifname . ipv4_addr',
  device6: 'ifname . ipv6_addr',
  /** Known Ethernet addresses of devices, and which addresses each may send from. */
  device_mac: 'ifname . ether_addr',
  device_mac4: 'ifname . ipv4_addr . ether_addr',
  device_mac6: 'ifname . ipv6_addr . ether_addr',
  /** Addresses of devices whose Ethernet address is known. */
  device_held4: 'ifname . ipv4_addr',
  device_held6: 'ifname . ipv6_addr',
  state: 'ifname',
  /** Interfaces with a pending shift that is an element of a class set; never in a compiled state. */
  shifted: 'ifname',
} as const
/** Room made beforehand: a set that grows while 1,000 workloads shift costs more than their elements. */
export const MOST_SHIFTED = 4_096
export type MemberSet = keyof typeof MEMBER_SETS

/** Written by reflexes, never by plans: interface (or nothing, for the host; and the own address, for a device) and peer, with a timeout. */
export const REFLEX_SETS = {
  reflex4: 'ifname . ipv4_addr',
  reflex6: 'ifname . ipv6_addr',
  reflex_host4: 'ipv4_addr',
  reflex_host6: 'ipv6_addr',
  reflex_dev4: 'ifname . ipv4_addr . ipv4_addr',
  reflex_dev6: 'ifname . ipv6_addr . ipv6_addr',
} as const

/** Prefix of the log of packets from an address that is not their sender's. */
export const SPOOFED = 'guise/spoofed'

/** The one chain that the enforcer writes; a plan and the look for foreign changes leave it alone. */
export const LIVE = 'live'

export function baseText(enforce: 'drop' | 'count'): string {
  const sets = Object.entries({ ...MEMBER_SETS, ...REFLEX_SETS }).map(([name, type]) => declare('set', name, type))
  const maps = Object.entries(DISPATCH).flatMap(([name, type]) => [
    declare('map', `${name}_pending`, `${type} : verdict`),
    declare('map', name, `${type} : verdict`),
  ])
  const contain = Object.entries(CONTAIN).map(([name, type]) => declare('map', name, `${type} : verdict`))
  return `table ${TABLE} {\n${[...sets, ...contain, ...maps, ...chains(enforce)].join('\n')}\n}\n`
}

function declare(what: 'set' | 'map', name: string, type: string): string {
  const size = name === 'shifted' ? `    size ${MOST_SHIFTED}\n` : ''
  return `  ${what} ${name} {\n    type ${type}\n${size}    flags timeout\n  }`
}

function chain(name: string, lines: readonly string[]): string {
  return `  chain ${name} {\n${lines.map((line) => `    ${line}`).join('\n')}\n  }`
}

function refuse(name: string, id: string, enforce: 'drop' | 'count'): string {
  return chain(name, [
    `${LOG_LIMIT} log prefix "${id}" group ${LOG_GROUP} snaplen 128`,
    `counter ${enforce === 'drop' ? 'drop' : 'accept'} comment "${id}"`,
  ])
}

function slot(name: string, map: DispatchMap): string {
  return chain(name, [`meta nfproto vmap @${map}_pending`, `meta nfproto vmap @${map}`])
}

/** One end of a two-ended policy: `face` is where the workload's interface is for packets in this direction. */
function forwardEnd(
  name: string,
  face: 'iifname' | 'oifname',
  contain: ContainMap,
  map: 'eg' | 'ing',
  peer: 'daddr' | 'saddr',
): string {
  return chain(name, [
    `${face} vmap @${contain}`,
    `${face} . ct original ip ${peer} @reflex4 jump reflex`,
    `${face} . ct original ip6 ${peer} @reflex6 jump reflex`,
    `jump ${LIVE}`,
    `${face} @shifted jump shifted_${name}`,
    `${face} vmap @${map}_pending`,
    `${face} vmap @${map}`,
    `${face} @ours goto refuse_unbound`,
  ])
}

const FAMILIES = [
  { family: 4, ip: 'ip' },
  { family: 6, ip: 'ip6' },
] as const

/** The same for a device: `face` and `own` are where its interface and its address are. */
function deviceEnd(
  name: string,
  face: 'iifname' | 'oifname',
  own: 'saddr' | 'daddr',
  [contain, map]: readonly ['dev_eg_contain' | 'dev_in_contain', 'dev_eg' | 'dev_ing'],
  peer: 'daddr' | 'saddr',
): string {
  const both = (rule: (who: string, family: 4 | 6, ip: 'ip' | 'ip6') => string) =>
    FAMILIES.map(({ family, ip }) => rule(`${face} . ${ip} ${own}`, family, ip))
  return chain(name, [
    ...both((who, family) => `${who} vmap @${contain}${family}`),
    ...both((who, family, ip) => `${who} . ct original ${ip} ${peer} @reflex_dev${family} jump reflex`),
    `jump ${LIVE}`,
    ...both((who, family) => `${who} vmap @${map}${family}_pending`),
    ...both((who, family) => `${who} vmap @${map}${family}`),
    ...both((who, family) => `${who} @device${family} goto refuse_unbound`),
  ])
}

/** Of packets on a shared interface only those of devices go on, by `goto`: whoever is unknown passes at the base chain's end. */
function deviceChains(tracked: readonly string[], related: readonly string[]): string[] {
  const known = (next: string) =>
    (['iifname saddr', 'oifname daddr'] as const).flatMap((where) => {
      const [face, own] = where.split(' ')
      return FAMILIES.map(({ family, ip }) => `${face} . ${ip} ${own} @device${family} goto ${next}`)
    })
  const foreign = 'iifname != @shared oifname != @shared accept'
  return [
    chain('device_source', [
      ...FAMILIES.map(
        ({ family, ip }) =>
          `meta nfproto ipv${family} iifname . ether saddr @device_mac iifname . ${ip} saddr . ether saddr != @device_mac${family} goto refuse_spoofed`,
      ),
      ...FAMILIES.map(
        ({ family, ip }) =>
          `iifname . ${ip} saddr @device_held${family} iifname . ${ip} saddr . ether saddr != @device_mac${family} goto refuse_spoofed`,
      ),
    ]),
    deviceEnd('dev_eg_orig', 'iifname', 'saddr', ['dev_eg_contain', 'dev_eg'], 'daddr'),
    deviceEnd('dev_eg_reply', 'oifname', 'daddr', ['dev_eg_contain', 'dev_eg'], 'daddr'),
    deviceEnd('dev_in_orig', 'oifname', 'daddr', ['dev_in_contain', 'dev_ing'], 'saddr'),
    deviceEnd('dev_in_reply', 'iifname', 'saddr', ['dev_in_contain', 'dev_ing'], 'saddr'),
    chain('device_egress', [
      ...tracked,
      'jump safe_egress',
      'ct direction original goto dev_eg_orig',
      'ct direction reply goto dev_eg_reply',
    ]),
    chain('device_ingress', [
      ...related,
      'jump safe_ingress',
      'ct direction original goto dev_in_orig',
      'ct direction reply goto dev_in_reply',
    ]),
    chain('gateway_egress', [
      'type filter hook forward priority 0; policy accept;',
      foreign,
      'jump link',
      'iifname @shared jump device_source',
      ...known('device_egress'),
    ]),
    chain('gateway_ingress', [
      'type filter hook forward priority 1; policy accept;',
      foreign,
      'jump link',
      ...known('device_ingress'),
    ]),
  ]
}

function hostEnd(name: string, safe: string, contain: ContainMap, map: DispatchMap, peer: 'daddr' | 'saddr'): string {
  return chain(name, [
    `jump ${safe}`,
    `meta nfproto vmap @${contain}`,
    `ct original ip ${peer} @reflex_host4 jump reflex`,
    `ct original ip6 ${peer} @reflex_host6 jump reflex`,
    `jump ${LIVE}`,
    `meta nfproto vmap @${map}_pending`,
    `meta nfproto vmap @${map}`,
  ])
}

function chains(enforce: 'drop' | 'count'): string[] {
  const related = ['icmp', 'ipv6-icmp'].map(
    (protocol) => `ct state related meta l4proto ${protocol} counter accept comment "guise/related-icmp"`,
  )
  const tracked = ['ct state invalid,untracked goto refuse_untracked', ...related]
  return [
    refuse('refuse_spoofed', SPOOFED, enforce),
    refuse('refuse_untracked', 'guise/untracked', enforce),
    refuse('refuse_unbound', 'guise/unbound', enforce),
    slot('safe_egress', 'safe_eg'),
    slot('safe_ingress', 'safe_ing'),
    slot('reflex', 'auto'),
    // Filled for a while by what was open when a workload got its first rules (enforce/carry.ts), never by a plan.
    chain(LIVE, ['return']),
    ...(Object.keys(SHIFTS) as ShiftMap[]).map((map) => slot(map.replace('shift_', 'shifted_'), map)),
    // Router and neighbour discovery; hop limit 255 proves that no router passed it on (RFC 4861 §7.1); a DHCP client has no address yet (RFC 2131 §4.1).
    chain('link', [
      'icmpv6 type 133-136 ip6 hoplimit 255 accept',
      'ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept',
      'ip6 saddr fe80::/10 udp sport 546 udp dport 547 accept',
    ]),
    chain('own_source', [
      'meta nfproto ipv4 iifname . ip saddr != @source4 goto refuse_spoofed',
      'meta nfproto ipv6 iifname . ip6 saddr != @source6 goto refuse_spoofed',
      'iifname @mac_known iifname . ether saddr != @source_mac goto refuse_spoofed',
    ]),
    forwardEnd('eg_orig', 'iifname', 'eg_contain', 'eg', 'daddr'),
    forwardEnd('eg_reply', 'oifname', 'eg_contain', 'eg', 'daddr'),
    forwardEnd('in_orig', 'oifname', 'in_contain', 'ing', 'saddr'),
    forwardEnd('in_reply', 'iifname', 'in_contain', 'ing', 'saddr'),
    hostEnd('host_egress', 'safe_egress', 'host_eg_contain', 'host_eg', 'daddr'),
    hostEnd('host_ingress', 'safe_ingress', 'host_in_contain', 'host_ing', 'saddr'),
    chain('forward_egress', [
      'type filter hook forward priority 0; policy accept;',
      'iifname != @ours oifname != @ours accept',
      'jump link',
      'iifname @ours jump own_source',
      ...tracked,
      'jump safe_egress',
      'ct direction original jump eg_orig',
      'ct direction reply jump eg_reply',
    ]),
    chain('forward_ingress', [
      'type filter hook forward priority 1; policy accept;',
      'iifname != @ours oifname != @ours accept',
      'jump link',
      ...related,
      'jump safe_ingress',
      'ct direction original jump in_orig',
      'ct direction reply jump in_reply',
    ]),
    ...deviceChains(tracked, related),
    ...hostBase('host_input', 'input', 'iifname', ['host_ingress', 'host_egress'], tracked),
    ...hostBase('host_output', 'output', 'oifname', ['host_egress', 'host_ingress'], tracked),
  ]
}

function hostBase(
  name: string,
  hook: 'input' | 'output',
  face: 'iifname' | 'oifname',
  [original, reply]: readonly [string, string],
  tracked: readonly string[],
): string[] {
  return [
    chain(name, [
      `type filter hook ${hook} priority 0; policy accept;`,
      'meta nfproto != @ours_host accept',
      `${face} "lo" accept`,
      'jump link',
      // The server's answer reaches a client that has no address yet, so conntrack sees no reply in it.
      ...(hook === 'input' ? ['udp sport 67 udp dport 68 accept'] : []),
      // Made by this kernel for a rule that rejects, maybe of a workload: it is no packet that the host was judged for.
      ...(hook === 'output' ? ['ct state related tcp flags & rst == rst accept comment "guise/answer"'] : []),
      ...tracked,
      `ct direction original jump ${original}`,
      `ct direction reply jump ${reply}`,
    ]),
  ]
}
