/** The command line of an agent's supervisor, which starts the worker: of `guise agent`, and of the benches that are its server. */
import { join } from 'node:path'
import type { AgentConfig } from '../agent.ts'
import type { SupervisorConfig } from '../enforce/supervisor.ts'
import { AGENT_FLAGS } from '../enforce/worker-flags.ts'

const SOURCE = join(import.meta.dirname, '..')

/** `worker` and `longestPauseMs`: of a test that puts another worker in, or does not wait for one that keeps dying. */
export function supervisorArgv(
  config: AgentConfig,
  { worker = join(SOURCE, 'agent.ts'), ...rest }: Partial<Pick<SupervisorConfig, 'worker' | 'longestPauseMs'>> = {},
): string[] {
  const supervisor: SupervisorConfig = { home: config.home, worker, config, ...rest }
  const program = join(SOURCE, 'enforce/supervisor.ts')
  return [process.execPath, ...AGENT_FLAGS, program, JSON.stringify(supervisor)]
}
