/**
 * What the server says about states, acted on one after another: a roll-back must not overtake the state it is about while
 * that waits for what it needs. A containment needs nothing, so that nobody inside can make it wait.
 */
import type { Enforcer } from '../enforce/enforcer.ts'
import { onlyContains } from '../enforce/snapshot.ts'
import type { AgentState } from '../model/desired.ts'
import { plainText } from '../model/plain-text.ts'
import { sameGeneration } from '../model/same-generation.ts'
import type { ServerMessage } from '../model/wire.ts'
import type { Gate } from './gate.ts'

export type Turn = Extract<ServerMessage, { type: 'state' | 'confirm' | 'rollback' }>

export function createTurns(deps: {
  readonly gate: Pick<Gate, 'admit' | 'fault' | 'refuse' | 'enter'>
  readonly enforcer: Pick<Enforcer, 'applied' | 'inForce' | 'apply' | 'confirm' | 'rollback'>
  /** Has what a state needs brought onto this host; `overtaken`: nobody waits for it any more. */
  readonly bring: (state: AgentState, overtaken: AbortSignal) => Promise<void>
  /** By how much our clock is ahead of the server's. */
  readonly aheadMs: () => number
}): (message: Turn) => void {
  const { gate, enforcer } = deps
  let order: Promise<unknown> = Promise.resolve()
  let newest = new AbortController()

  const act = async (message: Turn, overtaken: AbortSignal) => {
    if (message.type === 'state') {
      const state = gate.admit(message, deps.aheadMs())
      const { inForce } = enforcer
      // Nothing is fetched for a state that will be refused, nor for one that changes nothing but who is contained.
      if (!onlyContains(inForce, state) && gate.fault(state, inForce) === null) await deps.bring(state, overtaken)
      return enforcer.apply(state)
    }
    const { generation } = message
    const isKnown = [enforcer.applied?.generation, enforcer.inForce?.generation].some((of) =>
      sameGeneration(generation, of),
    )
    if (!isKnown) {
      const reason = `generation ${generation.n} is not under way here, and was not`
      gate.refuse(message.type, { pointer: '/generation', reason })
    } else if (message.type === 'confirm') await enforcer.confirm(generation)
    else await enforcer.rollback(generation, plainText(message.why, 500))
  }
  return (message) => {
    if (message.type !== 'confirm') {
      newest.abort()
      newest = new AbortController()
    }
    const { signal } = newest
    gate.enter(message.type, () => {
      const mine = order.then(() => act(message, signal))
      // One that failed is told of by the gate; the next has its turn all the same.
      order = mine.catch(() => {})
      return mine
    })
  }
}
