/**
 * Reports of one agent, in order, each with effect once: a repeat of what was taken is answered and passed over. One that
 * failed half-way (the database died) was not taken, so its repeat is; what it wrote before that is written over.
 */
import type { AgentId } from '../model/ids.ts'
import type { AgentReport } from '../model/wire.ts'

type Take = (agent: AgentId, report: AgentReport) => Promise<void>

export function createReportDesk(take: Take): Take {
  const turns = new Map<AgentId, Promise<void>>()
  const taken = new Map<AgentId, Pick<AgentReport, 'boot' | 'sequence'>>()
  return (agent, report) => {
    const { boot, sequence } = report
    const mine = async () => {
      const last = taken.get(agent)
      if (last?.boot === boot && sequence <= last.sequence) return
      await take(agent, report)
      taken.set(agent, { boot, sequence })
    }
    const turn = (turns.get(agent) ?? Promise.resolve()).then(mine, mine)
    turns.set(agent, turn)
    return turn
  }
}
