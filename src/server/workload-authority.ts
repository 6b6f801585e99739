/**
 * The CA for workloads. In: a request that an agent made with a key that never leaves its host, and the names that a plan gives
 * to the workload; out: a certificate for exactly those names, with its chain. What the request itself asks for is not looked at.
 */
import 'reflect-metadata' // must come before @peculiar/x509, whose container needs it
import { createPublicKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { ECDSA, openAuthority, serialNumber, validFor } from './authority.ts'

const DAY_MS = 86_400_000

export type WorkloadAuthority = {
  /** null when the request is not signed by the key it brings, or the key is not on P-256. */
  sign(request: string, names: readonly string[], days: number): Promise<string | null>
}

export async function loadWorkloadAuthority(keysDir: string, clock: () => number): Promise<WorkloadAuthority> {
  const { path, pem, signingKey, issuer } = await openAuthority(keysDir, 'workloads', clock)
  return {
    async sign(text, names, days) {
      const publicKey = await keyOf(text)
      if (publicKey === null) return null
      const left = Math.floor((Date.parse(new X509Certificate(pem).validTo) - clock()) / DAY_MS)
      if (left < 1)
        throw new Error(
          `the CA in ${path} expired; move it away: a new one is made, and every workload gets a new chain`,
        )
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        // Names are in the extension; a subject may hold one of 64 characters only (RFC 5280 A.1).
        subject: [{ CN: [names.find((name) => name.length <= 64) ?? 'workload'] }],
        issuer: issuer.subject,
        ...validFor(clock(), Math.min(days, left)),
        signingAlgorithm: ECDSA,
        publicKey,
        signingKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
          ),
          await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
          await x509.SubjectKeyIdentifierExtension.create(publicKey),
        ],
      })
      return `${certificate.toString('pem')}\n${pem}`
    },
  }
}

async function keyOf(text: string): Promise<x509.PublicKey | null> {
  try {
    const request = new x509.Pkcs10CertificateRequest(text)
    if (!(await request.verify())) return null
    const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? request.publicKey : null
  } catch {
    return null
  }
}
