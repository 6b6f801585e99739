/** One agent on a range of its own for a test file: the real processes against a kernel of their own and the least server there can be. */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { after, before } from 'node:test'
import type { AgentState } from '../../src/model/desired.ts'
import { type FakeServer, startFakeServer } from './fake-server.ts'
import { makeRange, type Range, until } from './range.ts'

export type AgentOnRange = {
  readonly range: Range
  readonly server: FakeServer
  readonly agent: ChildProcess
  /** The next generation. */
  next(): number
  nft(...argv: readonly string[]): string
  /** Throws with the agent's reason as soon as it ends otherwise than it was meant to. */
  apply(state: AgentState, answer: FakeServer['whenConfirming'], reaches: string, withinMs?: number): Promise<void>
}

/** Nothing comes after these. */
const ENDED: ReadonlySet<string> = new Set(['refused', 'rolled-back'])

/** Registers the hooks; the answer is filled before the first test. */
export function agentOnRange(tag: string, skip: string | false): AgentOnRange {
  const it = { n: 0 } as { n: number; range: Range; server: FakeServer; agent: ChildProcess }
  before(async () => {
    if (skip !== false) return
    it.range = await makeRange(tag)
    it.server = await startFakeServer(it.range.socket)
    it.agent = it.range.startAgent()
    await until('the agent listens', 20_000, () => it.server.connected)
  })
  after(async () => {
    if (skip !== false) return
    it.agent.kill('SIGTERM')
    try {
      await until('the agent left', 8_000, () => it.agent.exitCode !== null || it.agent.signalCode !== null)
    } finally {
      // What a failed hook leaves running keeps its file from ending.
      it.agent.kill('SIGKILL')
      await it.server.close()
      await it.range.remove()
    }
  })
  return {
    get range() {
      return it.range
    },
    get server() {
      return it.server
    },
    get agent() {
      return it.agent
    },
    next: () => ++it.n,
    nft: (...argv) =>
      execFileSync('ip', ['netns', 'exec', it.range.router, 'nft', ...argv], { stdio: 'pipe' }).toString(),
    async apply(state, answer, reaches, withinMs = 45_000) {
      it.server.whenConfirming = answer
      it.server.send({ type: 'state', state })
      await until(`${reaches}: generation ${state.generation.n}`, withinMs, () => {
        const { applied } = it.server.last
        if (applied?.generation.n !== state.generation.n) return false
        const said = String(applied.state)
        if (said !== reaches && ENDED.has(said)) throw new Error(`${said}: ${applied.why}`)
        return said === reaches
      })
    },
  }
}
