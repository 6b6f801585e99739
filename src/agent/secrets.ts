/**
 * Brings the secrets that a state refers to onto this host, before the state is applied: asked for by reference, sealed to a
 * key made here, checked against the digest in the plan. What no state of the last few refers to is removed.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasSecret, keepOnlySecrets, keepSecretsIn, secretsFolder, writeSecret } from '../enforce/secret-files.ts'
import type { AgentState } from '../model/desired.ts'
import { type SecretRef, secretDigest, secretRefsIn } from '../model/facets/secret.ts'
import { boxLabel, openBox, publicKeyText } from '../model/facets/secret-box.ts'
import type { Link } from './link.ts'

export type SecretKeeper = {
  readonly counters: { brought: number; failed: number }
  /** Never throws: without its secrets the state is refused by the part that needs them, with the reason. */
  bring(state: AgentState): Promise<void>
}

/** States whose secrets stay: what is in force, what is tried, and what either came from. */
const KEPT_STATES = 4

export function createSecretKeeper(deps: {
  readonly home: string
  readonly agent: string
  readonly link: Pick<Link, 'post'>
  /** In force now; its secrets stay. */
  readonly inForce: () => AgentState | null
  readonly say: (line: string) => void
}): SecretKeeper {
  const { agent, link, say } = deps
  keepSecretsIn(deps.home)
  const counters = { brought: 0, failed: 0 }
  const recent: SecretRef[][] = []

  const fetch = async (missing: readonly SecretRef[]) => {
    const key = ownKey()
    const body = JSON.stringify({ publicKey: publicKeyText(key), want: missing })
    const answer = await link.post(`/v1/agents/${agent}/secrets`, body)
    if (answer.status !== 200) throw new Error(`the server answered ${answer.status}`)
    const { items } = JSON.parse(answer.text) as { items: readonly (SecretRef & { sealed: string })[] }
    for (const ref of missing) {
      const item = items.find((one) => one.secret === ref.secret && one.version === ref.version)
      if (item === undefined) throw new Error(`the server has no ${ref.secret} version ${ref.version} for us`)
      const { salt, value } = JSON.parse(openBox(key, item.sealed, boxLabel(agent, ref)).toString()) as Plain
      if (secretDigest(Buffer.from(salt, 'base64'), ref.secret, ref.version, value) !== ref.digest)
        throw new Error(`${ref.secret} version ${ref.version} is not what the plan means`)
      writeSecret(ref, value)
      counters.brought++
    }
  }
  return {
    counters,
    async bring(state) {
      const refs = secretRefsIn(state.workloads)
      try {
        const missing = [...new Map(refs.map((ref) => [`${ref.secret}\0${ref.version}`, ref])).values()].filter(
          (ref) => !hasSecret(ref),
        )
        if (missing.length > 0) await fetch(missing)
        recent.push(refs)
        if (recent.length > KEPT_STATES) recent.shift()
        // Until this process saw a few states, what the one before it kept may still be needed to go back.
        if (recent.length === KEPT_STATES) keepOnlySecrets([...recent.flat(), ...secretRefsIn(deps.inForce())])
      } catch (error) {
        counters.failed++
        say(`secrets of generation ${state.generation.n} could not be had: ${(error as Error).message}`)
      }
    },
  }
}

type Plain = { readonly salt: string; readonly value: string }

/** X25519, made at the first need. */
function ownKey(): KeyObject {
  const path = join(secretsFolder(), 'agent.key')
  if (!existsSync(path)) {
    const pem = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
    writeFileSync(`${path}.new`, pem, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  return createPrivateKey(readFileSync(path))
}
