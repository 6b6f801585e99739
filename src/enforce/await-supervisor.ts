/**
 * A worker's first act. It touches nothing before its supervisor has written down who it is (lock.ts), because whoever takes
 * over ends what is written down, and it ends as soon as its supervisor does, because nobody else owns the deadline.
 */
export function awaitSupervisor(): Promise<void> {
  process.on('disconnect', () => process.exit(1))
  // Started by hand.
  if (process.send === undefined) return Promise.resolve()
  // It died while this process was loading: the event is past.
  if (!process.connected) process.exit(1)
  return new Promise((resolve) => void process.once('message', () => resolve()))
}
