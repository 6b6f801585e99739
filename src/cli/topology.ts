/** `guise get topology [segment|persona|workload]`: who talked to whom in the last hour, what differs first. */
import type { Topology, TopologyEdge, TopologyLevel } from '../model/topology.ts'
import { TOPOLOGY_LEVELS } from '../model/topology.ts'
import { bytes } from './byte-text.ts'
import { CliError, type Client } from './client.ts'
import { table } from './table.ts'

const SHOWN = 60

export async function readTopology(client: Client, level: string | undefined): Promise<Topology> {
  if (level !== undefined && !TOPOLOGY_LEVELS.includes(level as TopologyLevel))
    throw new CliError(`There is no level ${level}. Use one of ${TOPOLOGY_LEVELS.join(', ')}.`, 2)
  return client.get<Topology>(`/v1/topology?level=${level ?? 'persona'}`)
}

export function topologyTable(topology: Topology): string {
  const names = new Map(topology.nodes.map((node) => [node.id, node]))
  const segments = new Map(topology.segments.map((segment) => [segment.id, segment.name]))
  const name = (id: string) => {
    const node = names.get(id)
    if (node === undefined) return id
    return node.kind === 'persona' ? `${segments.get(node.segment) ?? node.segment}/${node.name}` : node.name
  }
  const rows = [...topology.edges].sort((a, b) => rank(b) - rank(a) || b.bytes - a.bytes || (a.id < b.id ? -1 : 1))
  const text = table(
    ['FROM', 'TO', 'VERDICT', 'FLOWS', 'FAILED', 'BYTES', 'SERVICES', 'DIFFERS'],
    rows
      .slice(0, SHOWN)
      .map((edge) => [
        name(edge.from),
        name(edge.to),
        verdict(edge),
        String(edge.flows),
        String(edge.failed),
        bytes(edge.bytes),
        edge.services.map(({ service, port, proto }) => service ?? `${port}/${PROTOCOLS[proto] ?? proto}`).join(' '),
        [edge.fresh ? 'new' : '', edge.evidence ?? ''].filter(Boolean).join('; '),
      ]),
    'Nobody talked in the last hour.',
  )
  const left = [
    ...(rows.length > SHOWN ? [`${rows.length - SHOWN} more paths: --json has all.`] : []),
    ...(topology.folded.edges > 0 ? [`${topology.folded.edges} paths of least difference are folded away.`] : []),
    ...(topology.hidden.edges > 0 ? [`${topology.hidden.edges} paths of DNS, NTP and the like are hidden.`] : []),
  ]
  return [text, ...left].join('\n')
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp6' }

function rank({ verdicts, evidence, fresh }: TopologyEdge): number {
  return (verdicts.deny > 0 ? 8 : 0) + (evidence !== null ? 4 : 0) + (verdicts.wouldDeny > 0 ? 2 : 0) + (fresh ? 1 : 0)
}

function verdict({ verdicts: { allow, deny, wouldDeny, unjudged } }: TopologyEdge): string {
  const parts = [
    ...(deny > 0 ? [`dropped ${deny}`] : []),
    ...(wouldDeny > 0 ? [`would drop ${wouldDeny}`] : []),
    ...(allow > 0 ? [`allowed ${allow}`] : []),
    ...(unjudged > 0 ? [`not judged ${unjudged}`] : []),
  ]
  // One verdict for all of them needs no number: the column beside it has the same one.
  return parts.length === 1 ? parts[0]!.replace(/ \d+$/, '') : parts.join(', ')
}
