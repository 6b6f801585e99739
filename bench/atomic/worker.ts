/**
 * The enforcing half of the agent and nothing else: the real journal, enforcer and drivers under the real supervisor, so
 * that a thousand deaths cost minutes. It follows a stream of messages and says how far it is, as the agent does; what the
 * agent does beside that is `src/agent.ts`, under which the random kills are.
 */
import { request } from 'node:http'
import { flushCompileCache } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'
import { readInventory } from '../../src/agent/inventory.ts'
import type { AgentConfig } from '../../src/agent.ts'
import { awaitSupervisor } from '../../src/enforce/await-supervisor.ts'
import { createEnforcer } from '../../src/enforce/enforcer.ts'
import { openJournal } from '../../src/enforce/journal.ts'
import { keepSecretsIn } from '../../src/enforce/secret-files.ts'
import type { Applied, ServerMessage } from '../../src/model/wire.ts'

const REPAIR_EVERY_MS = 1_000
const say = (line: string) => void process.stderr.write(`atomic worker: ${line}\n`)

async function main(config: AgentConfig): Promise<void> {
  await awaitSupervisor()
  keepSecretsIn(config.home)
  const socketPath = config.server.replace(/^unix:/, '')
  const boot = `${process.pid}.${process.hrtime.bigint()}`
  const tell = (applied: Applied | null) => {
    const sent = request({ socketPath, method: 'POST', path: '/report' }, (response) => response.resume())
    sent.on('error', (error) => say(error.message))
    sent.end(JSON.stringify({ boot, applied }))
  }
  const inventory = readInventory(config.inventory, config.hostDriver, config.home)
  const enforcer = createEnforcer({
    journal: openJournal(config.home),
    mode: () => config.mode,
    follow: config.follow,
    inventory: () => inventory,
    probeServer: async () => ({ name: 'server', ok: true, detail: 'it is not asked here' }),
    changed: tell,
    reloaded: () => {},
    say,
  })
  await enforcer.recover()
  await enforcer.rebind()
  flushCompileCache()
  tell(enforcer.applied)
  const act = async (message: ServerMessage) => {
    if (message.type === 'state') await enforcer.apply(message.state)
    else if (message.type === 'confirm') await enforcer.confirm(message.generation)
    else if (message.type === 'rollback') await enforcer.rollback(message.generation, message.why)
  }
  request({ socketPath, path: '/desired' }, (response) => {
    let text = ''
    response.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      const lines = text.split('\n')
      text = lines.pop()!
      for (const line of lines) act(JSON.parse(line) as ServerMessage).catch((error: Error) => say(error.message))
    })
  })
    .on('error', (error) => say(error.message))
    .end()
  process.on('SIGTERM', () => void enforcer.idle().finally(() => process.exit(0)))
  for (;;) {
    await wait(REPAIR_EVERY_MS)
    await enforcer.repair().catch((error: Error) => say(error.message))
  }
}

await main(JSON.parse(process.argv[2]!) as AgentConfig)
