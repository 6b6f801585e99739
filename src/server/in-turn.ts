/** One at a time, in the order of asking: each finds what the one before left, also when that one failed. */
export function createInTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let queue: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = queue.then(work, work)
    queue = turn.catch(() => null)
    return turn
  }
}
