/**
 * Has the certificates issued that a state asks for, before it is applied, and again after two thirds of their life. Keys are
 * made here and stay; what was issued lies in the home, and the `tls` facet puts the newest of it in place.
 */
import { KeyObject, type webcrypto, X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issuedPath, type Pair } from '../enforce/facets/tls/install.ts'
import type { AgentState } from '../model/desired.ts'
import { issuedId } from '../model/facets/issued-id.ts'
import type { Tls } from '../model/facets/tls.ts'
import type { Link } from './link.ts'

export type CertificateKeeper = {
  readonly counters: { issued: number; failed: number }
  /**
   * Never throws: without its certificate the state is refused by the part that needs it, with the reason. No more are asked
   * for once `overtaken` says that nobody waits for them.
   */
  bring(state: AgentState, overtaken?: AbortSignal): Promise<void>
  /** What is in force and due. */
  renew(): Promise<void>
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export function createCertificateKeeper(deps: {
  readonly home: string
  readonly agent: string
  readonly link: Pick<Link, 'post'>
  readonly inForce: () => AgentState | null
  readonly say: (line: string) => void
  /** epoch ms */
  readonly clock: () => number
}): CertificateKeeper {
  const { home, clock } = deps
  const folder = join(home, 'certificates')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const counters = { issued: 0, failed: 0 }

  const issue = async (workload: string, name: string, path: string) => {
    const { privateKey, request } = await newRequest()
    const body = JSON.stringify({ workload, name, request })
    const answer = await deps.link.post(`/v1/agents/${deps.agent}/certificates`, body)
    if (answer.status !== 201) throw new Error(`the server answered ${answer.status}`)
    const { certificate } = JSON.parse(answer.text) as { certificate: string }
    const pair: Pair = { certificate, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    if (!new X509Certificate(certificate).checkPrivateKey(privateKey)) throw new Error('it is for another key')
    writeFileSync(`${path}.new`, JSON.stringify(pair), { mode: 0o600 })
    renameSync(`${path}.new`, path)
    counters.issued++
  }
  const bring = async (state: AgentState, overtaken?: AbortSignal) => {
    for (const desired of state.workloads)
      for (const { name, issue: wanted } of (desired as { readonly tls?: Tls }).tls?.certificates ?? []) {
        if (overtaken?.aborted === true) return
        if (wanted === undefined) continue
        const path = issuedPath(home, issuedId(desired.key, name, wanted))
        if (!isDue(read(path), clock())) continue
        await issue(desired.key, name, path).catch((error: Error) => {
          counters.failed++
          deps.say(`certificate ${name} of ${desired.key} was not issued: ${error.message}`)
        })
      }
  }
  return {
    counters,
    bring,
    async renew() {
      const state = deps.inForce()
      if (state !== null) await bring(state)
      for (const file of readdirSync(folder)) {
        const kept = read(join(folder, file))
        if (kept !== null && Date.parse(kept.validTo) < clock()) rmSync(join(folder, file), { force: true })
      }
    },
  }
}

/** After two thirds of its life, so that a server may be away for a third of it. */
export function isDue(certificate: X509Certificate | null, now: number): boolean {
  if (certificate === null) return true
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)]
  return now >= from + ((to - from) * 2) / 3
}

function read(path: string): X509Certificate | null {
  try {
    return new X509Certificate((JSON.parse(readFileSync(path, 'utf8')) as Pair).certificate)
  } catch {
    return null
  }
}

/** The names are the server's to say; a request must have some subject. */
async function newRequest(): Promise<{ privateKey: KeyObject; request: string }> {
  // Only agents whose plans issue certificates pay for loading it.
  await import('reflect-metadata')
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509')
  const keys = (await crypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const request = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=workload', keys, signingAlgorithm: ECDSA })
  return { privateKey: KeyObject.from(keys.privateKey), request: request.toString('pem') }
}
