/**
 * The CA that agents on other hosts pin, and what it signs. Its key and certificate are one file under `keys/`, made at
 * the first start; server certificates live in memory only, so nothing but the CA has to be guarded or renewed on disk.
 */
import 'reflect-metadata' // must come before @peculiar/x509, whose container needs it
import { createPrivateKey, KeyObject, randomBytes, type webcrypto, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import type { ShownCertificate } from '../api/agent-door.ts'
import { keysFolder, secretFile } from '../store/key-files.ts'

const DAY_MS = 86_400_000
/** An agent that pinned a CA cannot be told of another one, so it outlives what it is used for. */
const CA_DAYS = 3_650
/** Issued anew at every start and every day. */
const SERVER_DAYS = 30
/** Clocks of other hosts run behind. */
const SKEW_DAYS = 1
export const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export type Authority = {
  /** A certificate for these names and addresses, and the chain up to the CA. */
  issue(names: readonly string[]): Promise<ShownCertificate>
}

export async function loadAuthority(keysDir: string, clock: () => number): Promise<Authority> {
  const { path, pem, signingKey, issuer } = await openAuthority(keysDir, 'agents', clock)
  if (Date.parse(new X509Certificate(pem).validTo) < clock() + SERVER_DAYS * DAY_MS)
    throw new Error(`the CA in ${path} is about to expire; move it away, start again, and enrol the agents anew`)
  return {
    async issue(names) {
      const keys = await newKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: 'CN=guise server',
        issuer: issuer.subject,
        ...validFor(clock(), SERVER_DAYS),
        signingAlgorithm: ECDSA,
        publicKey: keys.publicKey,
        signingKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
          ),
          await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
        ],
      })
      return { key: pemOf(keys.privateKey), cert: `${certificate.toString('pem')}\n${pem}` }
    },
  }
}

/** `WHOSE-ca.pem`: a CA for each use, so that a certificate of one is none of the other. */
export async function openAuthority(keysDir: string, whose: 'agents' | 'workloads', clock: () => number) {
  keysFolder(keysDir)
  const path = join(keysDir, `${whose}-ca.pem`)
  const made = existsSync(path) ? '' : await makeAuthority(whose, clock())
  const text = secretFile(path, () => made)
  const { pem, signingKey } = await readAuthority(path, text)
  return { path, pem, signingKey, issuer: new x509.X509Certificate(pem) }
}

async function makeAuthority(whose: string, now: number): Promise<string> {
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    // Two installations must not look alike in somebody's list of CAs.
    name: `CN=Guise ${whose} CA ${randomBytes(4).toString('hex')}`,
    ...validFor(now, CA_DAYS),
    signingAlgorithm: ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return `${pemOf(keys.privateKey)}${certificate.toString('pem')}\n`
}

async function readAuthority(path: string, text: string): Promise<{ pem: string; signingKey: webcrypto.CryptoKey }> {
  try {
    const key = createPrivateKey(text)
    const certificate = new X509Certificate(text)
    if (!certificate.checkPrivateKey(key)) throw new Error('its key is not that of its certificate')
    const der = key.export({ type: 'pkcs8', format: 'der' })
    const signingKey = await crypto.subtle.importKey('pkcs8', new Uint8Array(der), ECDSA, false, ['sign'])
    return { pem: certificate.toString(), signingKey }
  } catch (cause) {
    throw new Error(`${path} is damaged (${(cause as Error).message}); put back the copy from your backup`, { cause })
  }
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await crypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
}

function pemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** RFC 5280 4.1.2.2: positive, at most 20 octets. */
export function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}

export function validFor(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - SKEW_DAYS * DAY_MS), notAfter: new Date(now + days * DAY_MS) }
}
