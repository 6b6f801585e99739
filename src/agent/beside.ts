/** Hooks of others in the agent's namespace, looked at every minute: each look starts a program, and they change seldom. */
import type { ForeignChain } from '../model/foreign-chain.ts'

const LOOK_MS = 60_000

export type Beside = {
  /** As found last; empty before the first look and where none could be had. */
  readonly chains: readonly ForeignChain[]
  close(): void
}

export function watchBeside(look: () => Promise<readonly ForeignChain[]>, most: number, everyMs = LOOK_MS): Beside {
  let chains: readonly ForeignChain[] = []
  let isLooking = false
  const again = async () => {
    if (isLooking) return
    isLooking = true
    try {
      chains = (await look()).slice(0, most)
    } catch {
      // No nft, or no right to ask it: then there is nothing to tell, and `guise verify` says why.
    }
    isLooking = false
  }
  void again()
  const timer = setInterval(() => void again(), everyMs)
  timer.unref()
  return {
    get chains() {
      return chains
    },
    close: () => clearInterval(timer),
  }
}
