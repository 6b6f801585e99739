/**
 * The agent's parent: starts the worker, starts it again when it dies, and owns the deadline. An unconfirmed intent is taken
 * back here, from the journal alone, as soon as the worker is dead, or past the deadline when it hangs. Nothing but `node:`,
 * the journal and its steps is loaded, so little can break it. argv[2] is a `SupervisorConfig` as JSON.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { flushCompileCache } from 'node:module'
import { setPriority } from 'node:os'
import { actAsSupervisor, effectSync, maybe } from './fault.ts'
import { bootId, type Intent, isCommitted, monotonicMs, openJournal } from './journal.ts'
import { endGroup, type Lock, LockTaken, takeLock } from './lock.ts'
import { runStep } from './step.ts'
import { AGENT_FLAGS } from './worker-flags.ts'

export type SupervisorConfig = {
  readonly home: string
  /** Module of the worker and its argument. */
  readonly worker: string
  readonly config: unknown
  /** Bound of the back-off between two starts of a worker that keeps dying. */
  readonly longestPauseMs?: number
}

const LOOK_EVERY_MS = 200
/** A living worker undoes at the deadline itself; so much later it counts as hung. */
const HUNG_AFTER_MS = 1_500
/** A worker that is still starting is not hung. */
const START_WITHIN_MS = 3_000
const LONGEST_PAUSE_MS = 10_000
const LEAVE_WITHIN_MS = 5_000

/** A reflex must not queue behind what it defends against. Set here, because every thread of the worker must inherit it (setpriority(2)). */
const NICE = -10

async function supervise(config: SupervisorConfig): Promise<void> {
  actAsSupervisor()
  try {
    setPriority(NICE)
  } catch {
    say('may not raise its priority: reflexes are slower on a busy host')
  }
  const lock = await takeLock(config.home)
  const journal = openJournal(config.home)
  let child: ChildProcess | null = null
  let leaving = false
  let pauseMs = 100
  let startedAt = 0
  let restartAt = 0
  /** Deadline of the intent that was taken back and waits in the journal to be reported. */
  let takenBack = 0

  const start = () => {
    startedAt = monotonicMs()
    try {
      child = startWorker(config, lock)
    } catch (error) {
      // A full disk, or no room for one more process: what holds in the kernel holds, and there may be room later.
      say((error as Error).message)
      return pause()
    }
    const mine = child
    child.on('exit', (code) => {
      if (child === mine) child = null
      void buried(mine, code)
    })
  }
  /** What the worker started may still be writing: it goes with it, before anybody recovers. */
  const buried = async (dead: ChildProcess, code: number | null) => {
    await endGroup({ pid: dead.pid! }).catch((error: Error) => say(error.message))
    // The deadline is kept on a full disk, too. Who reads its old name finds that process gone.
    try {
      lock.worker(null)
    } catch (error) {
      say((error as Error).message)
    }
    const intent = unconfirmed()
    if (intent !== null) await takeBack(intent)
    if (leaving) return finish(lock, 0)
    if (code === 78) return finish(lock, 78)
    pause()
  }
  const pause = () => {
    pauseMs =
      monotonicMs() - startedAt > 30_000 ? 100 : Math.min(config.longestPauseMs ?? LONGEST_PAUSE_MS, pauseMs * 2)
    restartAt = monotonicMs() + Math.random() * pauseMs
  }
  const leave = () => {
    leaving = true
    if (child === null) {
      if (restartAt > 0) finish(lock, 0)
      return
    }
    effectSync('kill', () => child?.kill('SIGTERM'))
    setTimeout(() => effectSync('kill', () => child?.kill('SIGKILL')), LEAVE_WITHIN_MS)
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)

  const unconfirmed = (): Intent | null => {
    const intent = journal.intent()
    if (intent === null || intent.boot !== bootId()) return null
    return isCommitted(intent, journal.confirmed()) ? null : intent
  }
  /** The intent stays in the journal: the next worker looks again, reports it, and clears it. */
  const takeBack = async (intent: Intent) => {
    maybe('undo-begun')
    for (const step of intent.undo) await runStep(step).catch((error) => say(`undo: ${(error as Error).message}`))
    takenBack = intent.deadlineMs
    maybe('undone')
    say(`generation ${intent.generation.n} was not confirmed: taken back`)
  }
  const look = () => {
    if (child !== null) {
      const intent = unconfirmed()
      const hungAt = Math.max((intent?.deadlineMs ?? 0) + HUNG_AFTER_MS, startedAt + START_WITHIN_MS)
      // Its death does the rest.
      if (intent !== null && intent.deadlineMs !== takenBack && monotonicMs() > hungAt)
        effectSync('kill', () => child?.kill('SIGKILL'))
    } else if (restartAt > 0 && monotonicMs() >= restartAt && !leaving) {
      restartAt = 0
      start()
    }
  }
  start()
  // Whoever is killed keeps nothing of what it compiled.
  flushCompileCache()
  setInterval(look, LOOK_EVERY_MS)
}

/** `detached` makes the worker the leader of a process group of its own: see lock.ts. The channel tells it when we die. */
function startWorker(config: SupervisorConfig, lock: Lock): ChildProcess {
  const argv = [...AGENT_FLAGS, config.worker, JSON.stringify(config.config)]
  const child = effectSync('start worker', () =>
    spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true }),
  )
  // Told beside: an event that nobody hears ends a process.
  child.on('error', (error) => say(error.message))
  if (child.pid === undefined) throw new Error(`the agent's worker did not start: ${config.worker}`)
  try {
    lock.worker(child.pid)
  } catch (error) {
    // It waits for its word to begin, and has touched nothing.
    effectSync('kill', () => child.kill('SIGKILL'))
    throw error
  }
  // Its word to begin (await-supervisor.ts).
  child.send('begin', () => {})
  return child
}

function finish(lock: Lock, code: number): void {
  lock.release()
  process.exit(code)
}

function say(line: string): void {
  process.stderr.write(`guise agent: ${line}\n`)
}

// Without its configuration it is only loaded (`cli/compile-ahead.ts`).
const [, , told] = process.argv
if (told !== undefined)
  supervise(JSON.parse(told) as SupervisorConfig).catch((error: Error) => {
    say(error.message)
    // 78 = EX_CONFIG (sysexits.h): starting again does not help.
    process.exit(error instanceof LockTaken ? 78 : 1)
  })
