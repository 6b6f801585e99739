/** One at a time, in the order of asking: each finds what the one before left, also when that one failed. */
export function createInTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let queue: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = queue.then(work, work)
    queue = turn.catch(() => null)
    return turn
  }
}

/** One piece of work, asked for again and again: never twice at once, and whoever asks before it begins is served by the same. */
export function createAgain(work: () => Promise<void>): () => Promise<void> {
  const inTurn = createInTurn()
  let waiting: Promise<void> | null = null
  return () => {
    waiting ??= inTurn(() => {
      waiting = null
      return work()
    })
    return waiting
  }
}
