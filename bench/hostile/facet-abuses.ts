/** What a server that was taken over could try by the facets of a workload: every string of each, and every number out of bounds. */
import type { AgentState } from '../../src/model/desired.ts'

/** One wrong facet on a workload that is otherwise honest, and what its refusal says. */
export type FacetAbuse = { readonly name: string; readonly reason: RegExp; readonly facets: object }

const SCHEMA = /does not match its schema/
const KEY = 'A'.repeat(43).replace(/.$/, 'A')
const DIGEST = 'd'.repeat(43)
const reference = (secret: string) => ({ secret, version: 1, digest: DIGEST })
const tunnel = (more: object) => ({
  vpn: {
    interface: 'wg0',
    addresses: ['10.9.0.2/24'],
    privateKey: reference('key'),
    peers: [],
    ...more,
  },
})
const peer = (more: object) => tunnel({ peers: [{ publicKey: `${KEY}=`, allowedIPs: ['10.9.0.0/24'], ...more }] })
const certificate = (more: object) => ({
  tls: { certificates: [{ name: 'web', issue: { names: ['web.internal'] }, ...more }] },
})
const copied = (peers: readonly object[], beside: object = {}) => ({
  inspection: {
    level: 'none',
    mirrored: peers.map((peer) => ({ rule: 'x', direction: 'egress', match: { peer, service: null } })),
    ...beside,
  },
})
const net = (cidr: string, except: readonly string[] = []) => ({ kind: 'cidr', cidr, except })
const shaped = (rate: unknown, ceiling = rate) => ({ bandwidth: { up: { rate, ceiling } } })

export function facetAbuses(marker: string, server: string): readonly FacetAbuse[] {
  const bad = (name: string, facets: object, reason: RegExp = SCHEMA): FacetAbuse => ({ name, reason, facets })
  return [
    bad('tunnel called a command', tunnel({ interface: `wg0;touch ${marker}` })),
    bad('tunnel called an option', tunnel({ interface: '-netns' })),
    bad('tunnel called a folder', tunnel({ interface: '../../etc' })),
    bad('tunnel in the place of loopback', tunnel({ interface: 'lo' }), /loopback interface/),
    bad('tunnel address as an ip batch', tunnel({ addresses: ['10.9.0.2/24\nlink del eth0'] })),
    bad('tunnel address with no such prefix', tunnel({ addresses: ['10.9.0.2/99'] }), /prefix/),
    bad('tunnel key from a folder', tunnel({ privateKey: reference('../../etc/shadow') })),
    bad('tunnel key in the open', tunnel({ privateKey: `${KEY}=` })),
    bad(
      'tunnel key with a path for a digest',
      tunnel({ privateKey: { ...reference('key'), digest: '../'.repeat(14) } }),
    ),
    bad('tunnel key that nobody gave', tunnel({}), /secret|not on this host/),
    bad('tunnel port beyond all', tunnel({ listenPort: 70_000 })),
    bad('peer that runs a program', peer({ endpoint: '$(id):51820' })),
    bad('peer by a name', peer({ endpoint: 'evil.example:51820' })),
    bad('peer whose key is none', peer({ publicKey: `"; touch ${marker}; "` })),
    bad('peer that takes every path', peer({ allowedIPs: ['0.0.0.0/0'] }), /every path/),
    bad('tunnel through itself', peer({ endpoint: '10.9.0.1:51820' }), /through itself/),
    bad(
      'more peers than any',
      tunnel({ peers: Array(257).fill({ publicKey: `${KEY}=`, allowedIPs: ['10.9.0.0/24'] }) }),
    ),
    bad('certificate that climbs', certificate({ name: '../../../etc/cron.d/x' })),
    bad('certificate for a command', certificate({ issue: { names: ['$(id)'] } })),
    bad('certificate for no name', certificate({ issue: { names: ['not..a.name'] } }), /no name and no address/),
    bad('certificate for a century', certificate({ issue: { names: ['web.internal'], days: 36_500 } })),
    bad('certificate from nowhere', certificate({ issue: undefined }), /neither issued nor given/),
    bad('reload by a command', certificate({ reload: { command: ['touch', marker] } })),
    bad('reload that kills', certificate({ reload: { signal: 'KILL', pidFile: '/run/web.pid' } })),
    bad('reload of whom a file outside names', certificate({ reload: { signal: 'HUP', pidFile: '/run/../proc/1/x' } })),
    bad('key for everybody', certificate({ owner: { uid: -1, gid: 1e10 } })),
    bad('rate as a command', shaped(`10mbit;touch ${marker}`)),
    bad('rate of 0', shaped(0)),
    bad('rate beyond all', shaped(1e300)),
    bad('rate that is half a bit', shaped(10_000.5)),
    bad('ceiling below the rate', shaped(2_000_000, 1_000_000), /ceiling/),
    bad('priority as an option', { bandwidth: { priority: '-force' } }),
    bad('no processor at all', { cpu: { cores: 0 } }),
    bad('all processors there are', { cpu: { cores: 1e9 } }),
    bad('processors as a path', { cpu: { cores: '../cpu.max' } }),
    bad('no memory at all', { memory: { maxBytes: 0 } }),
    bad('memory as text', { memory: { maxBytes: 'max' } }),
    bad('memory of a negative size', { memory: { maxBytes: -1 } }),
    bad('seen by nft text', { egressAddress: { addresses: ['192.0.2.1; flush ruleset'], except: [] } }),
    bad('seen by no address', { egressAddress: { addresses: ['999.1.1.1'], except: [] } }, /is no address/),
    bad(
      'seen by two of one family',
      { egressAddress: { addresses: ['192.0.2.1', '192.0.2.2'], except: [] } },
      /family/,
    ),
    bad('seen by its own, towards nft text', {
      egressAddress: { addresses: ['192.0.2.1'], except: ['10.0.0.0/8 } accept'] },
    }),
    bad('published by no protocol', { publishedPorts: [{ protocol: 'tcp dport', port: 80, to: 80 }] }),
    bad('published on port 0', { publishedPorts: [{ protocol: 'tcp', port: 0, to: 80 }] }),
    bad('published on a port beyond all', { publishedPorts: [{ protocol: 'udp', port: 1e6, to: 80 }] }),
    bad('more ports published than any', {
      publishedPorts: Array.from({ length: 65 }, (_, i) => ({ protocol: 'tcp', port: 1_000 + i, to: 80 })),
    }),
    bad('the port of management, published', { publishedPorts: [{ protocol: 'tcp', port: 22, to: 22 }] }, /management/),
    bad('copies to a link of its choice', copied([{ kind: 'any' }], { sensor: 'eth0' })),
    bad('copies by tc text', copied([net('10.0.0.0/8" action drop')])),
    bad('copies of no network', copied([net('10.0.0.1/8')]), /is no network/),
    bad('copies of a set', copied([{ kind: 'set', set: 'everybody' }]), /picked by their addresses alone/),
    bad(
      'copies by a program too long',
      copied(Array(30).fill(net('fd00::/8', Array(100).fill('fd00::/64')))),
      /instructions of the kernel/,
    ),
    bad('seen as the control plane', { egressAddress: { addresses: [server], except: [] } }, /the control plane/),
    bad('seen as management', { egressAddress: { addresses: ['203.0.113.9'], except: [] } }, /management/),
  ]
}

/** The facet on the first workload. */
export function wearing(state: AgentState, facets: object): AgentState {
  const [first, ...rest] = state.workloads
  return { ...state, workloads: [{ ...first!, ...facets }, ...rest] }
}
