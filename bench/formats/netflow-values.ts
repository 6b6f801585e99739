/** When two values are equal: what upstream's test expects, and what was decoded. */

/** A time to the ns; it is compared to as many digits as the other side shows. */
export type Instant = { readonly ns: bigint }
export const instant = (ns: bigint): Instant => ({ ns })
const isInstant = (value: unknown): value is Instant =>
  typeof value === 'object' && value !== null && 'ns' in value && typeof value.ns === 'bigint'

/** What upstream called an element before it had a name: some of its expectations are older than the name. */
const EARLIER: Readonly<Record<string, string>> = {
  vmwareUnknown880: 'vmwareTenantProtocol',
  vmwareUnknown881: 'vmwareTenantSourceIPv4',
  vmwareUnknown882: 'vmwareTenantDestIPv4',
  vmwareUnknown883: 'vmwareTenantSourceIPv6',
  vmwareUnknown884: 'vmwareTenantDestIPv6',
  vmwareUnknown886: 'vmwareTenantSourcePort',
  vmwareUnknown887: 'vmwareTenantDestPort',
  vmwareUnknown888: 'vmwareEgressInterfaceAttr',
  vmwareUnknown889: 'vmwareVxlanExportRole',
  vmwareUnknown890: 'vmwareIngressInterfaceAttr',
}

/** null when equal, else where they differ. */
export function sameValue(wanted: unknown, found: unknown, path = ''): string | null {
  const at = path === '' ? '' : `${path}: `
  if (isInstant(found)) {
    if (typeof wanted === 'string' && sameInstant(wanted, found.ns)) return null
    return `${at}${text(found)} instead of ${text(wanted)}`
  }
  if (typeof wanted === 'number' && (typeof found === 'number' || typeof found === 'bigint'))
    return Number(found) === wanted ? null : `${at}${found} instead of ${wanted}`
  if (typeof wanted === 'string' && typeof found === 'string')
    return found === wanted || asUtf8(found) === wanted ? null : `${at}${text(found)} instead of ${text(wanted)}`
  if (typeof wanted === 'object' && wanted !== null && typeof found === 'object' && found !== null)
    return sameEntries(wanted as Record<string, unknown>, found as Record<string, unknown>, path)
  return wanted === found ? null : `${at}${text(found)} instead of ${text(wanted)}`
}

function sameEntries(wanted: Record<string, unknown>, found: Record<string, unknown>, path: string): string | null {
  const names = Object.keys(wanted).map((key) => (key in found ? key : (EARLIER[key] ?? key)))
  for (const [i, key] of Object.keys(wanted).entries()) {
    const why = sameValue(wanted[key], found[names[i]!], path === '' ? key : `${path}.${key}`)
    if (why !== null) return why
  }
  const extra = Object.keys(found).filter((key) => !names.includes(key))
  return extra.length === 0 ? null : `${path}: beside what is expected ${extra.join(', ')}`
}

/** Upstream's `#{nanos}` stands for nothing or for further digits, by the version of Logstash it runs on. */
function sameInstant(wanted: string, ns: bigint): boolean {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:#\{nanos\})?Z$/.exec(wanted)
  if (match === null) return false
  const digits = match[2] ?? ''
  const seconds = BigInt(Math.round(Date.parse(`${match[1]}Z`) / 1_000))
  if (ns / 1_000_000_000n !== seconds) return false
  const found = (ns % 1_000_000_000n).toString().padStart(9, '0')
  return digits.length <= 9 ? found.startsWith(digits) : digits.startsWith(found)
}

function asUtf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

const text = (value: unknown): string =>
  isInstant(value)
    ? new Date(Number(value.ns / 1_000_000n)).toISOString()
    : (JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? String(v) : v)) ?? 'nothing')
