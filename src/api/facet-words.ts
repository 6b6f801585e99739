/** What a state says of each facet but its rules, in words; a facet that is not there has none. */
import { holdText } from '../model/containment.ts'
import type { DesiredState } from '../model/desired.ts'
import type { InspectionWish } from '../model/facets/inspection.ts'
import type { Redirect } from '../model/facets/redirects.ts'
import type { FacetName, WornFacet } from '../model/plan-preview.ts'
import { someOf } from '../model/some-of.ts'

type Words = Partial<Record<FacetName, string | null>>

const VERDICTS = { allow: 'allowed', deny: 'dropped' } as const
const MAX_WORDS = 300

function containedWords({ directions, limit }: NonNullable<DesiredState['containment']>): string {
  return directions === 'egress' && limit === undefined
    ? 'outbound dropped'
    : holdText({ directions, ...(limit && { limit }) })
}

/** These are told for every workload, also when nothing sets them. */
function always({ network, dns, containment, egress, ingress }: DesiredState): Words {
  const list = (all: readonly string[] | undefined) => (all === undefined || all.length === 0 ? null : all.join(', '))
  return {
    address: list(network?.addresses),
    gateway: list(network?.gateways),
    dns: list(dns?.servers),
    search: list(dns?.search),
    containment:
      containment === null ? null : `${containedWords(containment)} until ${new Date(containment.until).toISOString()}`,
    'rest-out': VERDICTS[egress.otherwise],
    'rest-in': VERDICTS[ingress.otherwise],
  }
}

/** `copied`: what a sensor would have got of the last day, in bytes; null where it was not counted. */
export function facetWords(state: DesiredState, copied: number | null = null): Words {
  const {
    workload: _workload,
    key: _key,
    persona: _persona,
    egress: _egress,
    ingress: _ingress,
    network,
    dns,
    containment: _containment,
    merged,
    ladder,
    inspection,
    bandwidth,
    memory,
    publishedPorts,
    redirects,
    machine,
    ...facets
  } = state
  const { addresses: _addresses, gateways: _gateways, ...routing } = network ?? {}
  const { servers: _servers, search: _search, ...naming } = dns ?? {}
  const more = Object.entries({ ...facets, routing, naming }).flatMap(([facet, wish]) => {
    const words = inWords(wish)
    return words === '' ? [] : [[facet, words.slice(0, MAX_WORDS)]]
  })
  return {
    ...always(state),
    ...(Object.fromEntries(more) as Words),
    ...(bandwidth === undefined ? {} : { bandwidth: bandwidthWords(bandwidth) }),
    ...(memory === undefined ? {} : { memory: `at most ${mebibytes(memory.maxBytes)}` }),
    ...(machine === undefined ? {} : { machine: machineWords(machine) }),
    ...(publishedPorts === undefined ? {} : { publishedPorts: publishedPorts.map(portWords).join(', ') }),
    ...(redirects === undefined
      ? {}
      : { redirects: redirects.flows.map(redirectWords).join(', ').slice(0, MAX_WORDS) }),
    ...(inspection === undefined ? {} : { inspection: inspectionWords(inspection, copied) }),
    ...(merged === undefined ? {} : { personas: mergedWords(merged) }),
    ...(ladder === undefined ? {} : { ladder: `step ${ladder.at} until ${new Date(ladder.until).toISOString()}` }),
  }
}

/** Those that have something to say, in the order of facets. */
export function wornFacets(state: DesiredState): WornFacet[] {
  return Object.entries(facetWords(state)).flatMap(([facet, words]) =>
    typeof words === 'string' ? [{ facet: facet as FacetName, words }] : [],
  )
}

const LOOKED = {
  none: 'nothing is copied',
  flows: 'what opens and ends its conversations is copied to the sensor',
  signatures: 'every packet is copied to the sensor',
  full: 'every packet is copied to the sensor',
} as const
/** Measured on Linux 6.18; a tracepoint that is on is on for the whole host. */
const COUNTED =
  'its system calls are counted, which takes 0.1 µs for each, and 0.04 µs for each call of others on its host'

/** What a look costs stands beside it: the sensor must take it in, and the host copies it, and counts. */
function inspectionWords({ level, mirrored }: InspectionWish, copied: number | null): string {
  const rules = [...new Set(mirrored?.map(({ rule }) => rule))]
  const picked = rules.length === 0 ? '' : `what is mirrored by ${someOf(rules, 3, ', ')}, both ways`
  if (level === 'none' && picked !== '') return `rules: ${picked}`
  const cost = copied === null || level === 'none' ? '' : `; ${megabytes(copied)} of the last day would have been`
  return `${level}: ${LOOKED[level]}${picked === '' ? '' : `; and ${picked}`}${cost}${level === 'full' ? `; ${COUNTED}` : ''}`
}

/** `0.0.0.0/0 udp 53 → 10.0.0.53` */
function redirectWords({ cidr, protocol, from, to, address, port }: Redirect): string {
  return `${cidr} ${protocol} ${from === to ? from : `${from}-${to}`} → ${address}${port === null ? '' : ` ${port}`}`
}

type PublishedPort = NonNullable<DesiredState['publishedPorts']>[number]
const portWords = ({ protocol, port, to }: PublishedPort) => `${protocol} ${port}${to === port ? '' : ` → ${to}`}`

/** `down 10 Mbit/s, up 5 Mbit/s to 20 Mbit/s, priority high` */
function bandwidthWords({ down, up, priority }: NonNullable<DesiredState['bandwidth']>): string {
  const way = (name: string, shape: typeof down) =>
    shape == null
      ? []
      : [`${name} ${bits(shape.rate)}${shape.ceiling === shape.rate ? '' : ` to ${bits(shape.ceiling)}`}`]
  return [...way('down', down), ...way('up', up), ...(priority == null ? [] : [`priority ${priority}`])].join(', ')
}

/** Per second. */
function bits(rate: number): string {
  const [unit, name] = rate >= 1e9 ? [1e9, 'Gbit/s'] : rate >= 1e6 ? [1e6, 'Mbit/s'] : [1e3, 'kbit/s']
  return `${Number((rate / unit).toFixed(2))} ${name}`
}

/** `switched off`, `runs, 2 processors, 512 MiB` */
function machineWords({ power, cpus, memoryMb }: NonNullable<DesiredState['machine']>): string {
  return [
    power === 'off' ? 'switched off' : 'runs',
    ...(cpus === undefined ? [] : [cpus === 1 ? '1 processor' : `${cpus} processors`]),
    ...(memoryMb === undefined ? [] : [mebibytes(memoryMb * 2 ** 20)]),
  ].join(', ')
}

function mebibytes(bytes: number): string {
  return bytes >= 2 ** 30
    ? `${Number((bytes / 2 ** 30).toFixed(2))} GiB`
    : `${Number((bytes / 2 ** 20).toFixed(1))} MiB`
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** `Shop 0.70, Mailer 0.30 (believed), by priority` */
function mergedWords({ strategy, of }: NonNullable<DesiredState['merged']>): string {
  const word = { assigned: '', inferred: ' (believed)', trusted: ' (believed, trusted)' }
  return `${of.map((one) => `${one.name} ${one.p.toFixed(2)}${word[one.word]}`).join(', ')}, by ${strategy}`
}

/** `cores 0.5, weight 50`; of a secret, only its name and version. */
function inWords(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map(inWords).join('; ')
  if (typeof value !== 'object') return String(value)
  return Object.entries(value)
    .filter(([name]) => name !== 'digest')
    .map(([name, inner]) => [name, inWords(inner)] as const)
    .filter(([, words]) => words !== '')
    .map(([name, words]) => `${name} ${words}`)
    .join(', ')
}
