/**
 * The short form of a persona, for those who think in one address and one gateway. It is stored as one manifest and given
 * back with `?form=short`; what it cannot say (several addresses, mitigation rules) it says under `note`.
 */
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { API_VERSION, type PersonaManifest } from '../model/manifest.ts'
import { PolicyRule } from '../model/policy.ts'
import { Problem } from './problem.ts'

const Nullable = <T extends ReturnType<typeof Type.Unknown>>(schema: T) => Type.Optional(schema)

export const ShortForm = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 63 }),
    ip_address: Type.Optional(Type.String({ maxLength: 45 })),
    subnet_mask: Type.Optional(Type.String({ maxLength: 45, description: '255.255.255.0, /24 or 24' })),
    gateway: Type.Optional(Type.String({ maxLength: 45 })),
    dns_servers: Type.Optional(Type.Array(Type.String({ maxLength: 45 }), { maxItems: 3 })),
    firewall_rules: Type.Optional(Type.Array(PolicyRule, { maxItems: 500 })),
    vpn_settings: Nullable(Type.Unknown()),
    tls_certificate: Nullable(Type.Unknown()),
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
  if (body.ip_address !== undefined) {
    profile.network = {
      addresses: [`${body.ip_address}/${prefixLength(body)}`],
      ...(body.gateway === undefined ? {} : { gateways: [body.gateway] }),
    }
  } else if (body.gateway !== undefined || body.subnet_mask !== undefined) {
    throw refuse([{ pointer: '/ip_address', message: 'is needed with gateway or subnet_mask' }])
  }
  if (body.dns_servers !== undefined && body.dns_servers.length > 0) profile.dns = { servers: body.dns_servers }
  if (body.firewall_rules !== undefined) profile.rules = body.firewall_rules
  if (body.vpn_settings != null) profile.vpn = body.vpn_settings
  if (body.tls_certificate != null) profile.tls = body.tls_certificate
  return { apiVersion: API_VERSION, kind: 'Persona', metadata: { name: body.name }, spec: { profile } }
}

function refuse(errors: readonly { readonly pointer: string; readonly message: string }[]): Problem {
  const detail = `The short form does not fit: ${errors[0]?.pointer ?? '/'} ${errors[0]?.message ?? ''}.`
  return new Problem(422, 'manifest-refused', detail, 'Correct the places named in errors; /docs has the shape.', {
    errors,
  })
}

function prefixLength(body: ShortForm): number {
  const v6 = body.ip_address!.includes(':')
  const mask = body.subnet_mask
  if (mask === undefined) return v6 ? 64 : 24
  const digits = /^\/?(\d{1,3})$/.exec(mask)?.[1]
  if (digits !== undefined && Number(digits) <= (v6 ? 128 : 32)) return Number(digits)
  const octets = mask.split('.').map(Number)
  if (!v6 && octets.length === 4 && octets.every((o) => Number.isInteger(o) && o >= 0 && o <= 255)) {
    const bits = octets.map((o) => o.toString(2).padStart(8, '0')).join('')
    if (/^1*0*$/.test(bits)) return bits.indexOf('0') < 0 ? 32 : bits.indexOf('0')
  }
  throw refuse([{ pointer: '/subnet_mask', message: 'is not a mask such as 255.255.255.0 or /24' }])
}

export function toShortForm(manifest: PersonaManifest): object {
  const profile = manifest.spec.profile ?? {}
  const [address, ...others] = profile.network?.addresses ?? []
  const [ip, prefix] = address?.split('/') ?? []
  const left = [
    ...(others.length > 0 ? ['further addresses'] : []),
    ...(manifest.spec.mitigationRules === undefined ? [] : ['mitigationRules']),
    ...(profile.default === undefined ? [] : ['default']),
    ...(manifest.spec.recognisedAs === undefined ? [] : ['recognisedAs']),
  ]
  return {
    name: manifest.metadata.name,
    ip_address: ip ?? null,
    subnet_mask: ip === undefined || prefix === undefined ? null : maskText(ip, Number(prefix)),
    gateway: profile.network?.gateways?.[0] ?? null,
    dns_servers: profile.dns?.servers ?? [],
    firewall_rules: profile.rules ?? [],
    vpn_settings: profile.vpn ?? null,
    tls_certificate: profile.tls ?? null,
    ...(left.length === 0 ? {} : { note: `The manifest also holds ${left.join(', ')}.` }),
  }
}

function maskText(ip: string, prefix: number): string {
  if (ip.includes(':')) return `/${prefix}`
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.')
}
