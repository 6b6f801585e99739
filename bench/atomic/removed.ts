/**
 * What "the same" leaves out, found by trying: of a state that each part gives, every field is changed in turn; where
 * `normalise()` says the same text as before, that field is removed. With what `raw.ts` and the table's listing leave out.
 */
import { PARTS } from '../../src/enforce/facets.ts'
import { NOISE } from '../kill/range.ts'
import { REMOVED } from './raw.ts'

const state = {
  network: {
    device: 'eth0',
    mtu: 1_500,
    addresses: ['10.0.0.2/24', '10.0.0.3/24'],
    gateways: ['10.0.0.1'],
    routes: ['10.2.0.0/16 via 10.0.0.254'],
    deprecated: ['fd00::2/64'],
    router: { device: 'wa', mtu: 1_500, addresses: ['10.0.0.1/24'], routes: ['10.1.0.1'] },
  },
  vpn: {
    others: ['eth0'],
    tunnel: {
      interface: 'wg0',
      addresses: ['10.9.0.1/24'],
      routes: ['10.9.1.0/24'],
      up: true,
      privateKey: { secret: 'key', version: 1, digest: 'd' },
      publicKey: 'public',
      listenPort: 51_820,
      asked: 'asked',
      peers: [
        {
          publicKey: 'peer',
          endpoint: '192.0.2.1:51820',
          allowedIPs: ['10.9.1.0/24'],
          keepalive: 25,
          presharedKey: { secret: 'shared', version: 1, digest: 'd' },
          presharedMark: 'mark',
        },
      ],
    },
  },
  dns: 'nameserver 10.0.0.1\n',
  tls: [{ name: 'web', want: 'want', certificate: { name: 'web' } }],
  egressAddress: { entries: [{ map: 'egress4', key: 'wa', value: '203.0.113.1', owner: 'wa' }] },
  publishedPorts: { entries: [{ map: 'publish4', key: 'tcp . 80', value: '10.0.0.2 . 80', owner: 'wa' }] },
  redirects: { rules: [{ name: 'digest', text: 'ip daddr 0.0.0.0/0 tcp dport 6000-6009 dnat ip to 172.31.77.2' }] },
  bandwidth: {
    down: { rate: 1_000_000, ceiling: 2_000_000 },
    up: { rate: 3_000_000, ceiling: 4_000_000 },
    rank: '0:6',
    foreign: 'fq',
    clsact: true,
  },
  cpu: { '/sys/fs/cgroup/a/cpu.max': '50000 100000' },
  memory: { '/sys/fs/cgroup/a/memory.max': '1048576' },
} as const

export function removedText(): string {
  const facets = PARTS.flatMap((part) => {
    const sample = (state as Record<string, unknown>)[part.facet]
    // No persona of this bench wears it.
    if (sample === undefined) return []
    const text = part.normalise(sample)
    const same = fieldsOf(sample).filter(([, changed]) => part.normalise(changed) === text)
    const order = isAnyOrder(sample, part.normalise) ? ['the order of lists'] : []
    return [`${part.facet}: ${[...same.map(([path]) => path), ...order].join(', ') || 'nothing'}`]
  })
  return [
    '# what normalise() removes of each facet',
    ...facets,
    '',
    "# fields of nft's listing that are left out, at any depth",
    ...NOISE,
    '',
    '# what is left out of what other programs print, and why',
    ...REMOVED.map(([listing, field, why]) => `${listing}: ${field} (${why})`),
    '',
  ].join('\n')
}

/** Each leaf by its path, with a whole state in which it alone is another one. */
function fieldsOf(whole: unknown): [path: string, changed: unknown][] {
  const found: [string, unknown][] = []
  const walk = (value: unknown, path: string, put: (other: unknown) => unknown) => {
    if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value))
        walk(inner, Array.isArray(value) ? `${path}[]` : path === '' ? name : `${path}.${name}`, (other) =>
          put(
            Array.isArray(value)
              ? value.map((one, i) => (String(i) === name ? other : one))
              : { ...value, [name]: other },
          ),
        )
    else found.push([path, put(otherThan(value))])
  }
  walk(whole, '', (other) => other)
  return found
}

function otherThan(value: unknown): unknown {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value * 2 + 1_000
  return `${value}9`
}

function isAnyOrder(whole: unknown, normalise: (state: unknown) => string): boolean {
  const reversed = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(reversed).reverse()
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, reversed(inner)]))
        : value
  return JSON.stringify(reversed(whole)) !== JSON.stringify(whole) && normalise(reversed(whole)) === normalise(whole)
}
