/**
 * The `tls` facet: certificates as files in the workload, issued by the installation's own CA or given as secrets, and whom to
 * tell when they change. Telling is a signal from a fixed list, never a command.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { parseAddress } from '../address.ts'
import { SecretRef, SecretWish } from './secret.ts'

const LONGEST_DAYS = 397

export const CERTIFICATE_NAME = '^[a-z0-9][a-z0-9-]{0,62}$'
const Id = Type.Integer({ minimum: 0, maximum: 4_294_967_294 })
const closed = { additionalProperties: false } as const

/** A key made on the workload's host, signed for these names and addresses, renewed after two thirds of its life. */
export const Issue = Type.Object(
  {
    names: Type.Array(Type.String({ pattern: '^(?:\\*\\.)?[A-Za-z0-9:](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9:])?$' }), {
      minItems: 1,
      maxItems: 50,
    }),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: LONGEST_DAYS })),
  },
  closed,
)
export type Issue = Static<typeof Issue>

const certificate = <Key extends TSchema>(secret: Key) =>
  Type.Object(
    {
      name: Type.String({ pattern: CERTIFICATE_NAME }),
      issue: Type.Optional(Issue),
      /** PEM: the certificate, then its chain; and its key. */
      given: Type.Optional(Type.Object({ certificate: secret, privateKey: secret }, closed)),
      /** Who may read the key, by number; root alone when absent. */
      owner: Type.Optional(Type.Object({ uid: Id, gid: Id }, closed)),
      /** The program that reads them, by the file it keeps its process id in, seen from inside the workload. */
      reload: Type.Optional(
        Type.Object(
          {
            signal: Type.Enum(['HUP', 'USR1', 'USR2']),
            pidFile: Type.String({
              pattern:
                '^/(?:run|var/run|tmp)/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}){0,3}$',
            }),
          },
          closed,
        ),
      ),
    },
    closed,
  )
const facet = <Key extends TSchema>(secret: Key) =>
  Type.Object({ certificates: Type.Array(certificate(secret), { minItems: 1, maxItems: 32 }) }, closed)

export const TlsWish = facet(SecretWish)
export type TlsWish = Static<typeof TlsWish>
export const Tls = facet(SecretRef)
export type Tls = Static<typeof Tls>
export type Certificate = Tls['certificates'][number]

type Fault = { readonly path: readonly (string | number)[]; readonly why: string; readonly cure: string }

/** What a schema cannot say. */
export function tlsFaults({ certificates }: TlsWish | Tls): Fault[] {
  return certificates.flatMap(({ name, issue, given }, i): Fault[] => {
    const path = ['certificates', i]
    const twice = certificates.findIndex((one) => one.name === name) < i
    return [
      ...(twice ? [{ path: [...path, 'name'], why: `there are two certificates ${name}`, cure: 'rename one' }] : []),
      ...((issue === undefined) === (given === undefined)
        ? [{ path, why: `certificate ${name} is neither issued nor given, or both`, cure: 'say issue or given' }]
        : []),
      ...(issue?.names ?? []).flatMap((text, j) =>
        isName(text)
          ? []
          : [
              {
                path: [...path, 'issue', 'names', j],
                why: `${text} is no name and no address`,
                cure: 'write it like web.internal or 10.0.0.5',
              },
            ],
      ),
    ]
  })
}

function isName(text: string): boolean {
  if (parseAddress(text) !== null) return true
  if (text.includes(':') || /^[0-9.]+$/.test(text)) return false
  return text
    .replace(/^\*\./, '')
    .split('.')
    .every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label))
}
