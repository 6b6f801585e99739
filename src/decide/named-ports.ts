/**
 * Ports by name: a workload's labels `port/web: 80/tcp` come in (several with commas), and go out as what a rule that says
 * `name: web` means. At ingress that is the subject's own port, at egress whatever each peer calls so. A name that nobody
 * gives stands for no port, and its rule matches nothing.
 */
import { PORT_LABEL } from '../model/policy.ts'

export type NamedPort = { readonly protocol: 'tcp' | 'udp' | 'sctp'; readonly port: number }
export type PortNames = {
  /** Labels of the workload that the rules are for. */
  readonly own: Readonly<Record<string, string>>
  /** Name → every value that some workload's label has. */
  readonly fleet: ReadonlyMap<string, readonly string[]>
}
export const NO_PORT_NAMES: PortNames = { own: {}, fleet: new Map() }

export function portLabel(name: string): string {
  return `${PORT_LABEL}${name}`
}

/** What is no port is passed over: labels are given by whoever made the workload, not by who wrote the rule. */
export function portsOfLabel(value: string | undefined): NamedPort[] {
  return (value ?? '').split(',').flatMap((text): NamedPort[] => {
    const match = /^\s*(\d{1,5})(?:\/(tcp|udp|sctp))?\s*$/i.exec(text)
    const port = Number(match?.[1])
    if (match === null || port < 1 || port > 65535) return []
    return [{ protocol: (match[2]?.toLowerCase() ?? 'tcp') as NamedPort['protocol'], port }]
  })
}

export function fleetPortNames(
  workloads: readonly { readonly labels: Readonly<Record<string, string>> }[],
): PortNames['fleet'] {
  const found = new Map<string, Set<string>>()
  for (const { labels } of workloads)
    for (const [key, value] of Object.entries(labels)) {
      if (!key.startsWith(PORT_LABEL)) continue
      const name = key.slice(PORT_LABEL.length)
      found.set(name, (found.get(name) ?? new Set()).add(value))
    }
  return new Map([...found].map(([name, values]) => [name, [...values].sort()]))
}

/** Of one workload, only what can change its rules. */
export function ownPortLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => key.startsWith(PORT_LABEL)))
}
