/**
 * What every driver is tried with from one end to the other: the wishes of a whole persona (rules, a tunnel, a certificate,
 * with their secrets), and what can be seen of it from outside.
 */
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bootCertificate } from '../guest/certificate.ts'
import { publicKeyOf } from '../src/enforce/facets/vpn/tunnel.ts'
import { keepSecretsIn, writeSecret } from '../src/enforce/secret-files.ts'
import type { RuleList } from '../src/model/desired.ts'
import type { SecretRef } from '../src/model/facets/secret.ts'
import type { Tls } from '../src/model/facets/tls.ts'
import type { Vpn } from '../src/model/facets/vpn.ts'

const run = promisify(execFile)
const MOST_BYTES = 1 << 26
export const MBIT = 1_000_000
export const TEN_MBIT = { rate: 10 * MBIT, ceiling: 10 * MBIT }
export const SERVER_NAME = 'web.lab.internal'

type Allowed = { readonly peer: string; readonly protocol?: 'tcp' | 'udp'; readonly port: number }

export function allowing(...allowed: readonly Allowed[]): RuleList {
  return {
    rules: allowed.map(({ peer, protocol = 'tcp', port }, i) => ({
      verdict: 'allow',
      match: { peer: { kind: 'cidr', cidr: peer }, service: { protocol, from: port, to: port } },
      why: { rule: `whole/${i}`, text: 'it may' },
    })),
    otherwise: 'deny',
    why: { rule: 'default-deny', text: 'nothing else may' },
  }
}

export function refOf(secret: string): SecretRef {
  return { secret, version: 1, digest: 'A'.repeat(43) }
}

/** As `wg genkey` and `wg pubkey` say them. */
export function keyPair(): { privateKey: string; publicKey: string } {
  const raw = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' })
  const privateKey = Buffer.from(raw.d as string, 'base64url').toString('base64')
  return { privateKey, publicKey: publicKeyOf(privateKey) }
}

export const TUNNEL_PORT = 51_820
export const INNER = { own: '10.9.0.2', peer: '10.9.0.1' } as const

/** The secrets of both worlds as an agent would have brought them, and what they are for. */
export async function secretsOf(home: string, folder: string) {
  const keys = { own: keyPair(), peer: keyPair() }
  const { certificate, key } = await bootCertificate(SERVER_NAME)
  const trusted = join(folder, 'trusted.pem')
  writeFileSync(trusted, certificate)
  const values = {
    'own-key': keys.own.privateKey,
    'peer-key': keys.peer.privateKey,
    'web-cert': certificate,
    'web-key': key,
  }
  const tunnel = (whose: 'own' | 'peer', endpoint: string | null): Vpn => {
    const other = whose === 'own' ? 'peer' : 'own'
    return {
      interface: 'wg0',
      addresses: [`${INNER[whose]}/24`],
      listenPort: TUNNEL_PORT,
      privateKey: refOf(`${whose}-key`),
      peers: [
        {
          publicKey: keys[other].publicKey,
          ...(endpoint === null ? {} : { endpoint: `${endpoint}:${TUNNEL_PORT}`, keepalive: 1 }),
          allowedIPs: [`${INNER[other]}/32`],
        },
      ],
    }
  }
  const tls: Tls = {
    certificates: [
      {
        name: 'web',
        given: { certificate: refOf('web-cert'), privateKey: refOf('web-key') },
        reload: { signal: 'HUP', pidFile: '/run/nginx.pid' },
      },
    ],
  }
  return {
    trusted,
    tunnel,
    tls,
    bring: () => bringSecrets(home, values),
  }
}

/** As an agent would. It keeps those that the last states name, and no others: so before each that names them. */
export function bringSecrets(home: string, values: Readonly<Record<string, string>>): void {
  keepSecretsIn(home)
  for (const [name, value] of Object.entries(values)) writeSecret(refOf(name), value)
}

export type Secrets = Awaited<ReturnType<typeof secretsOf>>

/** What is seen from `namespace`. Of a request that fails, `curl` and what it ended with. */
export function seenFrom(namespace: string) {
  const curl = (...argv: string[]) =>
    run('ip', ['netns', 'exec', namespace, 'curl', '-s', ...argv], { maxBuffer: MOST_BYTES }).then(
      ({ stdout }) => stdout.trim(),
      (error: { code?: number }) => `curl ${error.code}`,
    )
  return {
    /** The page behind it, whoever signed for it. */
    page: (url: string, withinSeconds = 4) => curl('-k', '-m', `${withinSeconds}`, url),
    /** The page, from whoever has the certificate that `trusted` holds. */
    trustedPage: (address: string, port: number, trusted: string) =>
      curl(
        ...['-m', '4', '--cacert', trusted, '--resolve', `${SERVER_NAME}:${port}:${address}`],
        `https://${SERVER_NAME}:${port}/name`,
      ),
    /** Bits per second of the first `bytes` of a page, headers left out. */
    speed: async (url: string, bytes: number) =>
      Number(await curl('-m', '20', '-r', `0-${bytes - 1}`, '-o', '/dev/null', '-w', '%{speed_download}', url)) * 8,
  }
}
