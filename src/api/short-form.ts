/**
 * The short form of a persona, for those who think in one address and one gateway: stored as one manifest, given back with
 * `?form=short`. A firewall rule is a line (`allow tcp 443 out to 10.0.0.0/8`; grammar in decide/rule-line.ts) or a rule as in
 * a manifest; lines come back, for rules that have words for it. A persona that holds more than the form can say is refused in it, never given in part.
 */
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parseInterfaceAddress } from '../decide/interface-address.ts'
import { parseRuleLine, printRuleLine } from '../decide/rule-line.ts'
import { parseAddress } from '../model/address.ts'
import type { TlsWish } from '../model/facets/tls.ts'
import type { VpnWish } from '../model/facets/vpn.ts'
import { API_VERSION, type PersonaManifest } from '../model/manifest.ts'
import { PolicyRule } from '../model/policy.ts'
import { Problem } from './problem.ts'

const Nullable = (description: string) =>
  Type.Optional(Type.Union([Type.String({ maxLength: 45 }), Type.Null()], { description }))

export const RULE_LINE = `One line: allow|deny|reject|pass, a service (any; tcp, udp or sctp with a port or range; icmp, icmp6, icmp type N; several with commas), \
"out to" or "in from", and peers (any; a network with "except" others; persona "NAME"; label KEY=VALUE; reputation below \
0.3 unrated allow|deny; several with commas), then optionally as "a description". Examples: "allow tcp 443 out to 10.0.0.0/8", \
"deny any in from 0.0.0.0/0", "allow icmp out to any". Or a rule as in a manifest.`

export const ShortForm = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 63 }),
    ip_address: Nullable('10.0.0.5 or fd00::5'),
    subnet_mask: Nullable('255.255.255.0, /24 or 24; without one, /24 (IPv4) or /64 (IPv6)'),
    gateway: Nullable('10.0.0.1'),
    dns_servers: Type.Optional(Type.Array(Type.String({ maxLength: 45 }), { maxItems: 3 })),
    firewall_rules: Type.Optional(
      Type.Array(Type.Union([Type.String({ minLength: 1, maxLength: 4000, description: RULE_LINE }), PolicyRule]), {
        maxItems: 500,
      }),
    ),
    vpn_settings: Type.Optional(Type.Unknown({ description: 'null, or what profile.vpn of a manifest takes' })),
    tls_certificate: Type.Optional(Type.Unknown({ description: 'null, or what profile.tls of a manifest takes' })),
  },
  { additionalProperties: false, $id: 'PersonaShortForm' },
)
export type ShortForm = Static<typeof ShortForm>

const checker = Compile(ShortForm)

export function isShortForm(body: object): boolean {
  return 'name' in body && !('apiVersion' in body) && !('kind' in body)
}

export function fromShortForm(body: object): PersonaManifest {
  if (!checker.Check(body)) {
    const errors = checker
      .Errors(body)
      .filter((error) => error.keyword !== 'additionalProperties')
      .slice(0, 20)
      .map((error) => ({
        pointer: error.instancePath,
        message: error.keyword === 'boolean' ? 'is not a field here' : error.message,
      }))
    throw refuse(errors)
  }
  const profile: NonNullable<PersonaManifest['spec']['profile']> = {}
  if (body.ip_address != null) {
    if (parseAddress(body.ip_address) === null)
      throw refuse([
        { pointer: '/ip_address', message: 'is no address; write it like 10.0.0.5, the mask in subnet_mask' },
      ])
    profile.network = {
      addresses: [`${body.ip_address}/${prefixLength(body.ip_address, body.subnet_mask ?? null)}`],
      ...(body.gateway == null ? {} : { gateways: [body.gateway] }),
    }
  } else if (body.gateway != null || body.subnet_mask != null) {
    throw refuse([{ pointer: '/ip_address', message: 'is needed with gateway or subnet_mask' }])
  }
  if (body.dns_servers !== undefined && body.dns_servers.length > 0) profile.dns = { servers: body.dns_servers }
  if (body.firewall_rules !== undefined) profile.rules = readRules(body.firewall_rules)
  // Held to their schemas with the rest of the manifest.
  if (body.vpn_settings != null) profile.vpn = body.vpn_settings as VpnWish
  if (body.tls_certificate != null) profile.tls = body.tls_certificate as TlsWish
  return { apiVersion: API_VERSION, kind: 'Persona', metadata: { name: body.name }, spec: { profile } }
}

function readRules(rules: NonNullable<ShortForm['firewall_rules']>): PolicyRule[] {
  const faults: { pointer: string; message: string }[] = []
  const read = rules.flatMap((rule, i) => {
    if (typeof rule !== 'string') return [rule]
    const parsed = parseRuleLine(rule)
    if (parsed.ok) return [parsed.value]
    faults.push({ pointer: `/firewall_rules/${i}`, message: `column ${parsed.column}: ${parsed.why}; ${parsed.cure}` })
    return []
  })
  if (faults.length > 0) throw refuse(faults.slice(0, 20))
  return read
}

/** Where a fault found in the manifest stands in the form it came from. */
export function pointerInShortForm(pointer: string): string {
  const places: readonly (readonly [manifest: string, short: string])[] = [
    ['/metadata/name', '/name'],
    ['/spec/profile/network/addresses/0', '/ip_address'],
    ['/spec/profile/network/gateways/0', '/gateway'],
    ['/spec/profile/dns/servers', '/dns_servers'],
    ['/spec/profile/rules', '/firewall_rules'],
    ['/spec/profile/vpn', '/vpn_settings'],
    ['/spec/profile/tls', '/tls_certificate'],
  ]
  const place = places.find(([manifest]) => pointer === manifest || pointer.startsWith(`${manifest}/`))
  return place === undefined ? pointer : `${place[1]}${pointer.slice(place[0].length)}`
}

function refuse(errors: readonly { readonly pointer: string; readonly message: string }[]): Problem {
  const detail = `The short form does not fit: ${errors[0]?.pointer ?? '/'} ${errors[0]?.message ?? ''}.`
  return new Problem(422, 'manifest-refused', detail, 'Correct the places named in errors; /docs has the shape.', {
    errors,
  })
}

function prefixLength(address: string, mask: string | null): number {
  const v6 = address.includes(':')
  if (mask === null) return v6 ? 64 : 24
  const digits = /^\/?(\d{1,3})$/.exec(mask)?.[1]
  if (digits !== undefined && Number(digits) <= (v6 ? 128 : 32)) return Number(digits)
  const words = v6 || !mask.includes('.') ? null : parseAddress(mask)
  if (words !== null) {
    const bits = words[3].toString(2).padStart(32, '0')
    if (/^1*0*$/.test(bits)) return bits.replace(/0+$/, '').length
  }
  throw refuse([{ pointer: '/subnet_mask', message: 'is not a mask such as 255.255.255.0 or /24' }])
}

const FORM_HAS = new Set(['network', 'dns', 'rules', 'default', 'vpn', 'tls'])

export function toShortForm(manifest: PersonaManifest): object {
  const { metadata, spec } = manifest
  const profile = spec.profile ?? {}
  const left = [
    ...((profile.network?.addresses.length ?? 0) > 1 ? ['further addresses'] : []),
    ...((profile.network?.gateways?.length ?? 0) > 1 ? ['further gateways'] : []),
    ...((profile.dns?.search?.length ?? 0) > 0 ? ['dns search domains'] : []),
    ...(profile.default === undefined ? [] : ['a default']),
    ...Object.keys(profile).filter((facet) => !FORM_HAS.has(facet)),
    ...(spec.ladder === undefined ? [] : ['a ladder']),
    ...(spec.overlap === undefined ? [] : ['an overlap']),
    ...((spec.mitigationRules?.length ?? 0) > 0 ? ['mitigationRules'] : []),
    ...(spec.recognisedAs === undefined ? [] : ['recognisedAs']),
    ...(spec.alarming === undefined ? [] : ['alarming']),
    ...(metadata.labels === undefined ? [] : ['labels']),
    ...(metadata.description === undefined ? [] : ['a description']),
  ]
  if (left.length > 0)
    throw new Problem(
      409,
      'form-does-not-fit',
      `Persona ${metadata.name} does not fit the short form: it also holds ${left.join(', ')}.`,
      'Ask without form=short, or with form=manifest.',
    )
  const address = profile.network?.addresses[0]
  const parsed = address === undefined ? null : parseInterfaceAddress(address)
  return {
    name: metadata.name,
    ip_address: parsed?.address ?? null,
    subnet_mask: parsed === null ? null : maskText(parsed.address, parsed.length),
    gateway: profile.network?.gateways?.[0] ?? null,
    dns_servers: profile.dns?.servers ?? [],
    firewall_rules: (profile.rules ?? []).map((rule) => printRuleLine(rule) ?? rule),
    vpn_settings: profile.vpn ?? null,
    tls_certificate: profile.tls ?? null,
  }
}

function maskText(ip: string, prefix: number): string {
  if (ip.includes(':')) return `/${prefix}`
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.')
}
