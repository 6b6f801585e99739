/** The facets of a profile in words, as somebody would read them out. Of a secret, its name. */
import { t } from 'i18next'
import type { Dlp } from '../../../../src/model/facets/dlp.ts'
import type { Profile } from '../../../../src/model/persona.ts'

export type FacetLine = { readonly facet: string; readonly words: string; readonly secrets: readonly string[] }

/** `network`, `dns` and what happens to the rest have lines of their own. */
const ELSEWHERE = new Set(['network', 'dns', 'rules', 'default'])

export function facetLines(profile: Profile): FacetLine[] {
  const own: Readonly<Record<string, string | undefined>> = {
    vpn: profile.vpn && tunnelWords(profile.vpn),
    tls: profile.tls?.certificates.map(certificateWords).join('; '),
    egressAddress: profile.egressAddress && addressWords(profile.egressAddress),
    publishedPorts: profile.publishedPorts?.map(({ protocol, port, to }) => portWords(protocol, port, to)).join(', '),
    bandwidth: profile.bandwidth && bandwidthWords(profile.bandwidth),
    cpu: profile.cpu && cpuWords(profile.cpu),
    memory: profile.memory && t('personas.is.atMost', { size: profile.memory.max }),
    inspection: profile.inspection && t(`personas.is.inspection.${profile.inspection}`),
    dlp: profile.dlp && dlpWords(profile.dlp),
  }
  return Object.entries(profile)
    .filter(([facet, wish]) => !ELSEWHERE.has(facet) && wish !== undefined)
    .map(([facet, wish]) => ({ facet, words: own[facet] ?? plainWords(wish), secrets: secretNames(wish) }))
}

function tunnelWords({ interface: name, addresses, peers }: NonNullable<Profile['vpn']>): string {
  return t('personas.is.tunnel', { name, addresses: addresses.join(', '), count: peers.length })
}

function certificateWords({ name, issue, given }: NonNullable<Profile['tls']>['certificates'][number]): string {
  if (issue !== undefined) return t('personas.is.issued', { name, names: issue.names.join(', ') })
  return t('personas.is.given', { name, secret: given?.certificate.secret ?? '' })
}

function addressWords({ addresses, except = [] }: NonNullable<Profile['egressAddress']>): string {
  const list = addresses.join(', ')
  return except.length === 0 ? list : t('personas.is.exceptTo', { list, except: except.join(', ') })
}

function portWords(protocol: string, port: number, to = port): string {
  return to === port ? `${protocol} ${port}` : `${protocol} ${port} → ${to}`
}

function bandwidthWords({ down, up, priority }: NonNullable<Profile['bandwidth']>): string {
  const way = (name: 'down' | 'up', shape: typeof down) =>
    shape === undefined
      ? []
      : [t(shape.ceiling === undefined ? `personas.is.${name}` : `personas.is.${name}To`, { ...shape })]
  const first = priority === undefined ? [] : [t('personas.is.priority', { priority })]
  return [...way('down', down), ...way('up', up), ...first].join(', ')
}

function cpuWords({ cores, weight }: NonNullable<Profile['cpu']>): string {
  return [
    ...(cores === undefined ? [] : [t('personas.is.cores', { count: cores })]),
    ...(weight === undefined ? [] : [t('personas.is.weight', { weight })]),
  ].join(', ')
}

/** Also of a step of the ladder. */
export function dlpWords({ budgets = [], burst, newDestinations, names = [], dnsTunnels }: Dlp): string {
  const bound = ({ to, bytes, per }: (typeof budgets)[number]) =>
    typeof to === 'string'
      ? t(`personas.is.dlp.${to}`, { bytes, per })
      : t('personas.is.dlp.persona', { bytes, per, name: to.persona })
  return [
    ...budgets.map(bound),
    ...(burst === undefined ? [] : [t('personas.is.dlp.burst', { ...burst })]),
    ...(newDestinations === undefined ? [] : [t('personas.is.dlp.hold', { ...newDestinations })]),
    ...(names.length === 0 ? [] : [t('personas.is.dlp.names', { names: names.join(', ') })]),
    ...(dnsTunnels === undefined ? [] : [t('personas.is.dlp.tunnels')]),
  ].join(', ')
}

/** Facets that came after this page: field by field. */
function plainWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(plainWords).join(', ')
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${plainWords(inner)}`)
    .join(', ')
}

function secretNames(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  if ('secret' in value && typeof value.secret === 'string') return [value.secret]
  return Object.values(value).flatMap(secretNames)
}
