/**
 * Zeek's logs beside conn.log, a record each, into hints (docs.zeek.org, scripts/base/protocols: dns, ssl, http, ssh, smtp,
 * ftp main.zeek). What was said as a name or password at a log-in is not read.
 */
import { Proto } from '../../model/flow.ts'
import type { Hint, HintEnds, LoginHint } from '../../model/hint.ts'
import { answersText, type Fields, hintEnds, nameText, protoOf, shortText, smtpOutcome } from './hint-fields.ts'

/** What a record must have for its log to be read at all. */
export const HINT_LOGS: Readonly<Record<string, { readonly needs: readonly string[]; make: Maker }>> = {
  dns: { needs: ['query'], make: dnsHint },
  ssl: { needs: ['version'], make: tlsHint },
  http: { needs: ['method'], make: httpHint },
  ssh: { needs: ['auth_success'], make: sshHint },
  smtp: { needs: ['last_reply'], make: smtpHint },
  ftp: { needs: ['command', 'reply_code'], make: ftpHint },
}

/** No hint when the record tells of nothing that we keep. */
type Maker = (fields: Fields, ends: HintEnds) => Hint | null

/** Null when the record has no ends or no time. */
export function zeekEnds(fields: Fields): HintEnds | null {
  const proto = fields.text('proto')
  return hintEnds({
    at: timeOf(fields),
    source: fields.text('id.orig_h'),
    target: fields.text('id.resp_h'),
    sourcePort: fields.number('id.orig_p'),
    targetPort: fields.number('id.resp_p'),
    proto: proto === '' ? Proto.tcp : protoOf(proto),
  })
}

/** Seconds, or ISO 8601 as some configurations write. */
function timeOf(fields: Fields): number {
  const seconds = fields.number('ts')
  return Number.isNaN(seconds) ? Date.parse(fields.text('ts').slice(0, 40)) : seconds * 1_000
}

function dnsHint(fields: Fields, ends: HintEnds): Hint | null {
  const query = nameText(fields.text('query'))
  const code = fields.number('rcode')
  const answered = fields.number('rtt')
  return {
    ...ends,
    kind: 'dns',
    query,
    type: numberIn(fields.number('qtype'), 0, 65_535, 0),
    code: numberIn(code, 0, 65_535, -1),
    answers: answersText(fields.list('answers')),
    answeredMs: numberIn(answered * 1_000, 0, 3_600_000, -1),
  }
}

function tlsHint(fields: Fields, ends: HintEnds): Hint {
  return {
    ...ends,
    kind: 'tls',
    serverName: nameText(fields.text('server_name')),
    version: shortText(fields.text('version'), 16),
    ja3: shortText(fields.text('ja3'), 32),
    ja3s: shortText(fields.text('ja3s'), 32),
    ja4: shortText(fields.text('ja4'), 40),
    protocol: shortText(fields.text('next_protocol'), 32),
  }
}

function httpHint(fields: Fields, ends: HintEnds): Hint | null {
  const method = shortText(fields.text('method'), 16)
  if (method === '' && fields.text('status_code') === '') return null
  return {
    ...ends,
    kind: 'http',
    method,
    host: nameText(fields.text('host')),
    path: shortText(fields.text('uri'), 200),
    userAgent: shortText(fields.text('user_agent'), 200),
    status: numberIn(fields.number('status_code'), 0, 999, 0),
  }
}

/** Zeek guesses the outcome from the sizes of encrypted packets (protocols/ssh/main.zeek, auth_success). */
function sshHint(fields: Fields, ends: HintEnds): LoginHint {
  const success = fields.text('auth_success').toLowerCase()
  const outcome = isTrue(success) ? 'accepted' : success === '' ? 'unknown' : 'refused'
  return { ...ends, kind: 'login', service: 'ssh', outcome, client: shortText(fields.text('client'), 100) }
}

function smtpHint(fields: Fields, ends: HintEnds): LoginHint | null {
  const outcome = smtpOutcome(fields.text('last_reply'), ends.targetPort)
  if (outcome === null) return null
  return { ...ends, kind: 'login', service: 'smtp', outcome, client: shortText(fields.text('user_agent'), 100) }
}

/** 230 logged in, 530 not logged in (RFC 959 §4.2). */
function ftpHint(fields: Fields, ends: HintEnds): LoginHint | null {
  const code = fields.number('reply_code')
  const outcome = code === 230 ? 'accepted' : code === 530 ? 'refused' : null
  if (outcome === null) return null
  return { ...ends, kind: 'login', service: 'ftp', outcome, client: '' }
}

const isTrue = (text: string) => text === 't' || text === 'true'

function numberIn(value: number, least: number, most: number, otherwise: number): number {
  return value >= least && value <= most ? value : otherwise
}
