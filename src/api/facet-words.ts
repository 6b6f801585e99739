/** What a state says of each facet but its rules, in words; a facet that is not there has none. */
import type { DesiredState } from '../model/desired.ts'
import type { FacetName } from '../model/plan-preview.ts'

type Words = Partial<Record<FacetName, string | null>>

const VERDICTS = { allow: 'allowed', deny: 'dropped' } as const
const CUT = { egress: 'outbound dropped', both: 'cut off both ways' } as const
const MAX_WORDS = 300

/** These are told for every workload, also when nothing sets them. */
function always({ network, dns, containment, egress, ingress }: DesiredState): Words {
  const list = (all: readonly string[] | undefined) => (all === undefined || all.length === 0 ? null : all.join(', '))
  return {
    address: list(network?.addresses),
    gateway: list(network?.gateways),
    dns: list(dns?.servers),
    search: list(dns?.search),
    containment:
      containment === null ? null : `${CUT[containment.directions]} until ${new Date(containment.until).toISOString()}`,
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
    ...(inspection === undefined ? {} : { inspection: inspectionWords(inspection, copied) }),
    ...(merged === undefined ? {} : { personas: mergedWords(merged) }),
    ...(ladder === undefined ? {} : { ladder: `step ${ladder.at} until ${new Date(ladder.until).toISOString()}` }),
  }
}

const LOOKED = {
  none: 'nothing is copied',
  flows: 'what opens and ends its conversations is copied to the sensor',
  signatures: 'every packet is copied to the sensor',
} as const

/** What a look costs stands beside it: the sensor must take it in, and the host copies it. */
function inspectionWords({ level }: NonNullable<DesiredState['inspection']>, copied: number | null): string {
  const cost = copied === null || level === 'none' ? '' : `; ${megabytes(copied)} of the last day would have been`
  return `${level}: ${LOOKED[level]}${cost}`
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** `Shop 0.70, Mailer 0.30 (believed), by priority` */
function mergedWords({ strategy, of }: NonNullable<DesiredState['merged']>): string {
  const word = { assigned: '', inferred: ' (believed)', trusted: ' (believed, trusted)' }
  return `${of.map((one) => `${one.name} ${one.p.toFixed(2)}${word[one.word]}`).join(', ')}, by ${strategy}`
}

/** `up rate 10000000 ceiling 20000000, priority high`; of a secret, only its name and version. */
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
