/**
 * What each facet of a profile begins as: a whole, harmless example that the server's reader takes, put where it belongs in
 * the text. A facet that the text has already is not put there twice.
 */

/** Two spaces deep less than they stand in `spec.profile`. */
export const SNIPPETS: Readonly<Record<string, string>> = {
  network: 'network:\n  addresses: [10.0.0.5/24]\n  gateways: [10.0.0.1]\n',
  dns: 'dns:\n  servers: [10.0.0.53]\n',
  vpn: 'vpn:\n  interface: wg0\n  addresses: [10.9.0.2/24]\n  # its private key, by name: guise secret set NAME\n  privateKey: { secret: SECRET }\n  peers:\n    - publicKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n      endpoint: 192.0.2.1:51820\n      allowedIPs: [10.9.0.0/24]\n',
  tls: 'tls:\n  certificates:\n    - name: web\n      issue: { names: [web.internal] }\n',
  egressAddress: 'egressAddress:\n  addresses: [192.0.2.10]\n',
  publishedPorts: 'publishedPorts:\n  - { protocol: tcp, port: 8443, to: 443 }\n',
  bandwidth: 'bandwidth:\n  down: { rate: 10mbit }\n  up: { rate: 10mbit }\n',
  cpu: 'cpu: { cores: 0.5 }\n',
  memory: 'memory: { max: 512MiB }\n',
  packages: "packages:\n  # only those that the host's floor.yaml lists\n  - curl\n",
  machine: 'machine: { power: on, memory: 512MiB }\n',
  inspection: 'inspection: flows\n',
  onDeny: 'onDeny: reset\n',
  dlp: 'dlp:\n  budgets:\n    - { to: unrated, bytes: 1GiB, per: day }\n',
}
/** Beside the profile. */
export const BESIDE: Readonly<Record<string, string>> = {
  ladder: 'ladder:\n  - { at: 0.5, deny: egress }\n',
  overlap: 'overlap: { strategy: priority, believed: 0.8 }\n',
}

export type Added = { readonly text: string; readonly line: number }

/** null: it is there already, or the text has no `spec` that it could go into. */
export function addFacet(text: string, facet: string, secret: string): Added | null {
  const lines = text.replace(/\n+$/, '').split('\n')
  const spec = lines.findIndex((line) => /^spec:\s*(#.*)?$/.test(line))
  if (spec < 0) return null
  const end = blockEnd(lines, spec, 0)
  const own = BESIDE[facet]
  const depth = childIndent(lines, spec, end) ?? 2
  if (own !== undefined) return find(lines, spec + 1, end, depth, facet) >= 0 ? null : insert(lines, end, own, depth)
  const snippet = SNIPPETS[facet]?.replace('SECRET', secret)
  if (snippet === undefined) return null
  const profile = find(lines, spec + 1, end, depth, 'profile')
  if (profile < 0) return insert(lines, spec + 1, `profile:\n${indented(snippet, 2)}`, depth, 1)
  // `profile: {…}` on one line is not taken apart.
  if (!/profile:\s*(#.*)?$/.test(lines[profile] ?? '')) return null
  const stop = blockEnd(lines, profile, depth)
  const inner = childIndent(lines, profile, stop) ?? depth + 2
  return find(lines, profile + 1, stop, inner, facet) >= 0 ? null : insert(lines, stop, snippet, inner)
}

const indentOf = (line: string) => line.length - line.trimStart().length
const isText = (line: string) => line.trim() !== '' && !line.trim().startsWith('#')

/** The line behind the block that begins at `from`; comments that stand before the next key belong to that key. */
function blockEnd(lines: readonly string[], from: number, depth: number): number {
  let end = from + 1
  for (let i = from + 1; i < lines.length; i++) {
    const line = lines[i] ?? ''
    if (!isText(line)) continue
    if (indentOf(line) <= depth) break
    end = i + 1
  }
  return end
}

function childIndent(lines: readonly string[], from: number, end: number): number | null {
  const first = lines.slice(from + 1, end).find(isText)
  return first === undefined ? null : indentOf(first)
}

function find(lines: readonly string[], from: number, end: number, depth: number, key: string): number {
  const start = `${' '.repeat(depth)}${key}:`
  return lines.findIndex((line, i) => i >= from && i < end && line.startsWith(start))
}

const indented = (text: string, by: number) => text.replace(/^(?=.)/gm, ' '.repeat(by))

function insert(lines: readonly string[], at: number, snippet: string, depth: number, below = 0): Added {
  const added = indented(snippet, depth).trimEnd().split('\n')
  return { text: `${[...lines.slice(0, at), ...added, ...lines.slice(at)].join('\n')}\n`, line: at + 1 + below }
}
