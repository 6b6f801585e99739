/** What a schema cannot say of a rule: addresses parse, ranges are ordered, limits stand on allows, names of ports have somebody to ask. */
import { cidrContains, parseAddress, parseCidr } from '../model/address.ts'
import { MOST_MIRRORED } from '../model/facets/inspection.ts'
import { MOST_REDIRECTS } from '../model/facets/redirects.ts'
import type { LabelExpression, PeerSelector, PolicyRule, PortMatch, RateLimit } from '../model/policy.ts'
import { parseInterfaceAddress } from './interface-address.ts'

type Path = readonly (string | number)[]
type Add = (path: Path, why: string, cure: string) => void

export function checkRule(rule: PolicyRule, path: Path, add: Add): void {
  rule.peers.forEach((peer, i) => {
    checkPeer(peer, [...path, 'peers', i], add)
  })
  rule.ports?.forEach((port, i) => {
    checkPort(port, [...path, 'ports', i], add)
  })
  checkNames(rule, path, add)
  checkLimit(rule, path, add)
  checkRedirect(rule, path, add)
  checkMirror(rule, path, add)
  if (rule.log !== undefined && rule.action !== 'allow' && rule.action !== 'mirror')
    add(
      [...path, 'log'],
      rule.action === 'pass'
        ? 'a pass decides nothing that could be told'
        : `what a ${rule.action} stops is always told`,
      'leave log out',
    )
}

function checkPeer(peer: PeerSelector, path: Path, add: Add): void {
  if ('matchExpressions' in peer) checkExpressions(peer.matchExpressions, [...path, 'matchExpressions'], add)
  if ('domain' in peer && parseCidr(peer.domain) !== null)
    add([...path, 'domain'], `${peer.domain} is an address`, `write cidr: ${peer.domain}`)
  if (!('cidr' in peer)) return
  const check = (text: string, at: Path) => {
    if (parseCidr(text) !== null) return
    const loose = parseInterfaceAddress(text)
    add(
      at,
      loose === null ? `${text} is no address or CIDR` : `${text} has host bits set`,
      loose === null
        ? 'write it like 10.0.0.0/8 or fd00::/8'
        : `write the network, ${loose.network}, or the address alone`,
    )
  }
  check(peer.cidr, [...path, 'cidr'])
  peer.except?.forEach((text, i) => {
    check(text, [...path, 'except', i])
  })
}

export function checkExpressions(expressions: readonly LabelExpression[] | undefined, path: Path, add: Add): void {
  expressions?.forEach(({ operator, values }, i) => {
    const takes = operator === 'In' || operator === 'NotIn'
    if (takes && values === undefined)
      add([...path, i], `${operator} does not say which values`, 'add values, for example values: [web, api]')
    if (!takes && values !== undefined)
      add(
        [...path, i, 'values'],
        `${operator} takes no values`,
        `leave values out, or use ${operator === 'Exists' ? 'In' : 'NotIn'}`,
      )
  })
}

function checkPort(port: PortMatch, path: Path, add: Add): void {
  if ('name' in port || port.protocol === 'icmp' || port.protocol === 'icmp6') return
  if (port.to !== undefined && port.port === undefined) add([...path, 'to'], 'a range has no beginning', 'add port')
  if (port.to !== undefined && port.port !== undefined && port.to < port.port)
    add(
      [...path, 'to'],
      `the range ${port.port} to ${port.to} runs backwards`,
      `write port: ${port.to} and to: ${port.port}`,
    )
}

const NAMELESS = ['cidr', 'persona', 'reputation', 'domain', 'geo', 'asn']

/** A port's name is asked of the workload at the destination: what has no labels gives no names. */
function checkNames(rule: PolicyRule, path: Path, add: Add): void {
  rule.peers.forEach((peer, i) => {
    if (!('service' in peer)) return
    const at = [...path, 'peers', i, 'service']
    if (rule.direction === 'ingress')
      add(at, 'a service is what is asked, and at ingress the peer is who asks', 'use labels, and ports: [{name: …}]')
    else if (rule.ports !== undefined)
      add(
        at,
        'a service brings its own port, and the rule has ports as well',
        'leave ports out, or use labels for the peer',
      )
  })
  const named = rule.ports?.findIndex((port) => 'name' in port) ?? -1
  const nameless = rule.peers.findIndex((peer) => NAMELESS.some((kind) => kind in peer))
  if (rule.direction === 'egress' && named >= 0 && nameless >= 0)
    add(
      [...path, 'ports', named, 'name'],
      `${Object.keys(rule.peers[nameless]!)[0]} peers give their ports no names`,
      'give the number, or use labels for the peer',
    )
}

function checkLimit({ action, limit, peers, ports }: PolicyRule, path: Path, add: Add): void {
  if (limit === undefined) return
  const at = [...path, 'limit']
  if (action !== 'allow') add(at, `a limit is what an allow lets through, and this is a ${action}`, 'use action: allow')
  // The kernel counts per peer and port: of a rule with several it would let through several times as much.
  const ways = peers.length * (ports?.length ?? 1)
  if (ways > 1) add(at, `the limit would hold for each of ${ways} peers and ports by itself`, 'make a rule of each')
  checkAmount(limit, at, add)
}

export function checkAmount(limit: RateLimit, at: Path, add: Add): void {
  if ((limit.flowsPerSecond === undefined) === (limit.bytesPerSecond === undefined))
    add(
      at,
      limit.flowsPerSecond === undefined
        ? 'the limit says neither flows nor bytes'
        : 'the limit says both flows and bytes',
      'give one: flowsPerSecond or bytesPerSecond',
    )
}

/** Packets are picked by what they carry themselves, before any rule is asked. */
function checkMirror({ action, peers, ports }: PolicyRule, path: Path, add: Add): void {
  if (action !== 'mirror') return
  peers.forEach((peer, i) => {
    if (!('any' in peer) && !('cidr' in peer))
      add(
        [...path, 'peers', i],
        'who that is changes, and packets are copied by their addresses alone',
        'use any: true, or a cidr',
      )
  })
  ports?.forEach((port, i) => {
    if ('name' in port)
      add([...path, 'ports', i, 'name'], 'packets carry no names of ports', 'give protocol and port by number')
  })
  const ways = peers.length * (ports?.length ?? 1)
  if (ways > MOST_MIRRORED) add(path, `these are ${ways} mirrors`, `give at most ${MOST_MIRRORED} peers and ports`)
}

function checkRedirect({ action, direction, peers, ports, to }: PolicyRule, path: Path, add: Add): void {
  if (action !== 'redirect') {
    if (to !== undefined) add([...path, 'to'], `${action} leads nowhere else`, 'leave to out, or use action: redirect')
    return
  }
  if (to === undefined) return void add(path, 'redirect does not say where to', 'add to: { address: 10.0.0.53 }')
  const at = [...path, 'to', 'address']
  const words = parseAddress(to.address)
  if (words === null) return void add(at, `${to.address} is no address`, 'write it like 10.0.0.53')
  if (UNFIT.some((cidr) => cidrContains(parseCidr(cidr)!, words)))
    add(at, `no flow can be led to ${to.address}`, 'give an address that this host can reach')
  if (direction === 'ingress')
    add([...path, 'direction'], 'only what a workload asks for can be led elsewhere', 'use direction: egress')
  peers.forEach((peer, i) => {
    const of = [...path, 'peers', i]
    if (!('any' in peer) && !('cidr' in peer))
      add(of, 'who that is changes, and a flow is led away by its address alone', 'use any: true, or a cidr')
    if ('cidr' in peer && peer.cidr.includes(':') !== to.address.includes(':'))
      add(of, `${peer.cidr} and ${to.address} are of different families`, 'use addresses of one family')
  })
  if (ports === undefined) add(path, 'redirect does not say of which ports', 'add ports: [{ protocol: tcp, port: 80 }]')
  ports?.forEach((port, i) => {
    if ('name' in port || (port.protocol !== 'tcp' && port.protocol !== 'udp'))
      add([...path, 'ports', i], 'only TCP and UDP can be led elsewhere, by number', 'give protocol: tcp or udp')
  })
  const ways = peers.length * (ports?.length ?? 1)
  if (ways > MOST_REDIRECTS) add(path, `these are ${ways} redirects`, `give at most ${MOST_REDIRECTS} peers and ports`)
}

/** Unspecified, loopback, link-local, multicast (RFC 6890). */
const UNFIT = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8']
