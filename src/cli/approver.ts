/** `guise approver …`: the key an approver signs with. It never leaves its file; hosts know its public half by their floor. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Command } from 'commander'
import { type AgentApproval, approvalText } from '../model/approval.ts'
import type { AgentState } from '../model/desired.ts'
import { action, CliError, print } from './client.ts'

export function register(program: Command): void {
  const approver = program.command('approver').description('the key an approver signs plans with: keygen, show')
  approver
    .command('keygen')
    .description('make one; its public half goes into the floor of each host')
    .argument('<file>', 'where the private half is kept, for you alone')
    .action(action(keygen))
  approver.command('show').description('the public half').argument('<file>').action(action(show))
}

async function keygen(path: string, command: Command): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  let fd: number
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CliError(`${path} cannot be made (${code}). Give the name of a file that is not there yet.`, 1)
  }
  writeSync(fd, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  closeSync(fd)
  print(
    command,
    { file: path, key: keyText(publicKey) },
    ({ key }) => `${key}\nIts private half is in ${path}. Into the floor of a host: approvals: {keys: {YOU: "${key}"}}`,
  )
}

async function show(path: string, command: Command): Promise<void> {
  print(command, { key: keyText(createPublicKey(readKey(path))) }, ({ key }) => key)
}

/** Throws a sentence when the file is none, or when others could have read it. */
export function readKey(path: string): KeyObject {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY)
  } catch (error) {
    throw new CliError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, 1)
  }
  try {
    if ((fstatSync(fd).mode & 0o077) !== 0)
      throw new CliError(`${path} can be read by others. Make a new key, and keep it with chmod 600.`, 1)
    const key = createPrivateKey(readFileSync(fd))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (error) {
    if (error instanceof CliError) throw error
  } finally {
    closeSync(fd)
  }
  throw new CliError(`${path} holds no Ed25519 key. Make one with guise approver keygen FILE.`, 1)
}

export function signPlan(agents: Readonly<Record<string, AgentState>>, key: KeyObject): AgentApproval[] {
  const name = keyText(createPublicKey(key))
  return Object.entries(agents).map(([agent, state]) => ({
    agent,
    key: name,
    signature: sign(null, approvalText(agent, state), key).toString('base64url'),
  }))
}

/** What is signed, told from the states themselves: a server that was taken over words its previews as it likes. */
export function signedText(agents: Readonly<Record<string, AgentState>>): string {
  return Object.entries(agents)
    .map(([agent, { mode, workloads, failSafe, neverBlock }]) => {
      const contained = workloads.filter(({ containment }) => containment !== null).length
      const paths = failSafe.map(({ id }) => id.replace('failsafe/', '')).join(', ') || 'none'
      return `${agent}: mode ${mode}, ${workloads.length} workload(s), ${contained} contained, ${neverBlock.length} never blocked, fail-safe paths: ${paths}`
    })
    .join('\n')
}

function keyText(publicKey: KeyObject): string {
  return `ed25519:${publicKey.export({ format: 'jwk' }).x}`
}
