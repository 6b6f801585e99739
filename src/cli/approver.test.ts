import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { approvalText } from '../model/approval.ts'
import type { AgentState } from '../model/desired.ts'
import { readKey, register, signedText, signPlan } from './approver.ts'
import { createProgram, takeEverywhere } from './commands.ts'

const state: AgentState = {
  generation: { system: 's', timeline: 1, n: 3 },
  plan: 'p_3',
  mode: 'enforce',
  workloads: [],
  sets: [],
  neverBlock: [],
  failSafe: [],
  confirmWithinMs: 1_000,
}

async function guise(...words: string[]): Promise<void> {
  const program = createProgram()
  register(program)
  takeEverywhere(program)
  await program.parseAsync(['approver', ...words], { from: 'user' })
}

test('a key is made once, for its owner alone, and signs each agent by itself', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'guise-approver-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
    process.exitCode = 0
  })
  const said: string[] = []
  t.mock.method(process.stdout, 'write', (text: string) => said.push(text) > 0)
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0)
  const path = join(folder, 'kim.pem')
  await guise('keygen', path, '--json')
  const { key } = JSON.parse(said.join('')) as { key: string }
  assert.match(key, /^ed25519:[A-Za-z0-9_-]{43}$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await guise('keygen', path)
  assert.match(said.at(-1)!, /cannot be made \(EEXIST\)/)

  const [signed, other] = signPlan({ edge: state, core: { ...state, mode: 'observe' } }, readKey(path))
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.slice(8) }, format: 'jwk' })
  const holds = (text: Buffer, signature: string) => verify(null, text, publicKey, Buffer.from(signature, 'base64url'))
  assert.ok(holds(approvalText('edge', state), signed!.signature))
  assert.ok(!holds(approvalText('edge', state), other!.signature))
  assert.ok(!holds(approvalText('core', state), signed!.signature))

  chmodSync(path, 0o644)
  assert.throws(() => readKey(path), /can be read by others/)
  writeFileSync(path, 'no key', { mode: 0o600 })
  chmodSync(path, 0o600)
  assert.throws(() => readKey(path), /holds no Ed25519 key/)
})

test('what is signed is told from the states, not from what the server says of them', () => {
  assert.equal(
    signedText({ edge: state }),
    'edge: mode enforce, 0 workload(s), 0 contained, 0 never blocked, fail-safe paths: none',
  )
})
