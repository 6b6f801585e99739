/** What EVE's events beside the flows tell, as hints; every value in them is checked, nothing is taken for granted. */
import type { AlertHint, Hint, HintEnds, LoginHint, TlsHint } from '../../model/hint.ts'
import { hintEnds, nameText, protoOf, shortText, smtpOutcome } from './hint-fields.ts'

export type EveRecord = Readonly<Record<string, unknown>>

export function textAt(record: EveRecord, key: string): string {
  const value = record[key]
  return typeof value === 'string' ? value : ''
}
/** NaN when absent or no number. */
export function numberAt(record: EveRecord, key: string): number {
  const value = record[key]
  return typeof value === 'number' ? value : Number.NaN
}
export function objectAt(record: EveRecord, key: string): EveRecord | null {
  const value = record[key]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as EveRecord) : null
}
export function listAt(record: EveRecord, key: string): readonly unknown[] {
  const value = record[key]
  return Array.isArray(value) ? value.slice(0, 64) : []
}

/** Events of a packet name its sender first: `direction` says when that is the server. */
export function eveEnds(event: EveRecord, at: number): HintEnds | null {
  const isBack = textAt(event, 'direction') === 'to_client'
  const [source, target] = isBack ? ['dest', 'src'] : ['src', 'dest']
  return hintEnds({
    at,
    source: textAt(event, `${source}_ip`),
    target: textAt(event, `${target}_ip`),
    sourcePort: numberAt(event, `${source}_port`) || 0,
    targetPort: numberAt(event, `${target}_port`) || 0,
    proto: protoOf(textAt(event, 'proto')),
  })
}

export function swapEnds(ends: HintEnds): HintEnds {
  return {
    ...ends,
    source: ends.target,
    target: ends.source,
    sourcePort: ends.targetPort,
    targetPort: ends.sourcePort,
  }
}

/** By event_type; null when the event tells of nothing that we keep. */
export const EVE_HINTS: Readonly<Record<string, (event: EveRecord, ends: HintEnds) => Hint | null>> = {
  tls: (event, ends) => tlsHint(objectAt(event, 'tls'), ends),
  quic: (event, ends) => tlsHint(objectAt(event, 'quic'), ends),
  http: httpHint,
  ssh: sshHint,
  smtp: smtpHint,
  alert: alertHint,
}

/** As Zeek names them. */
const VERSIONS: Readonly<Record<string, string>> = {
  'TLS 1.3': 'TLSv13',
  'TLS 1.2': 'TLSv12',
  'TLS 1.1': 'TLSv11',
  TLSv1: 'TLSv10',
  SSLv3: 'SSLv3',
  SSLv2: 'SSLv2',
}

/** As Zeek names it, by Suricata's name. */
export const tlsVersion = (name: string): string =>
  Object.hasOwn(VERSIONS, name) ? VERSIONS[name]! : shortText(name, 16)

function tlsHint(tls: EveRecord | null, ends: HintEnds): TlsHint | null {
  if (tls === null) return null
  const hash = (key: string) => shortText(textAt(objectAt(tls, key) ?? {}, 'hash'), 32)
  const offered = listAt(tls, 'client_alpns')[0]
  return {
    ...ends,
    kind: 'tls',
    serverName: nameText(textAt(tls, 'sni')),
    version: tlsVersion(textAt(tls, 'version')),
    ja3: hash('ja3'),
    ja3s: hash('ja3s'),
    ja4: shortText(textAt(tls, 'ja4'), 40),
    protocol: typeof offered === 'string' ? shortText(offered, 32) : '',
  }
}

function httpHint(event: EveRecord, ends: HintEnds): Hint | null {
  const http = objectAt(event, 'http')
  if (http === null) return null
  const status = numberAt(http, 'status')
  return {
    ...ends,
    kind: 'http',
    method: shortText(textAt(http, 'http_method'), 16),
    host: nameText(textAt(http, 'hostname')),
    path: shortText(textAt(http, 'url'), 200),
    userAgent: shortText(textAt(http, 'http_user_agent'), 200),
    status: status >= 0 && status <= 999 ? status : 0,
  }
}

/** Suricata does not look at what is encrypted: whether the log-in went well is not known. */
function sshHint(event: EveRecord, ends: HintEnds): LoginHint | null {
  const client = objectAt(objectAt(event, 'ssh') ?? {}, 'client')
  if (client === null) return null
  const software = textAt(client, 'software_version')
  const name = software === '' ? '' : `SSH-${textAt(client, 'proto_version')}-${software}`
  return { ...ends, kind: 'login', service: 'ssh', outcome: 'unknown', client: shortText(name, 100) }
}

/** EVE tells of mails, not of replies: a log-in only where no mail goes without one. */
function smtpHint(_event: EveRecord, ends: HintEnds): LoginHint | null {
  const outcome = smtpOutcome('', ends.targetPort)
  return outcome === null ? null : { ...ends, kind: 'login', service: 'smtp', outcome, client: '' }
}

/** The initiator is the source, unless the rule says which end attacks (its `target` keyword). */
function alertHint(event: EveRecord, ends: HintEnds): AlertHint | null {
  const alert = objectAt(event, 'alert')
  if (alert === null) return null
  const attacker = textAt(objectAt(alert, 'source') ?? {}, 'ip')
  const severity = numberAt(alert, 'severity')
  const isTarget =
    attacker !== '' && attacker === textAt(event, textAt(event, 'direction') === 'to_client' ? 'src_ip' : 'dest_ip')
  return {
    ...(isTarget ? swapEnds(ends) : ends),
    kind: 'alert',
    sensor: 'suricata',
    signature: shortText(textAt(alert, 'signature'), 200),
    category: shortText(textAt(alert, 'category'), 100),
    severity: severity >= 1 && severity <= 255 ? severity : 3,
  }
}
