/**
 * How long the tasks of a page's main thread are, by the browser's own trace: wall time as a person feels it, and the
 * processor time of the thread, which other programs of a busy test machine do not lengthen. What does lengthen it is a
 * slower processor, or one that another machine shares: a fixed piece of work, done in tasks of its own in between, tells by how much.
 */
import type { Page } from 'playwright-core'

/** `evenMs`: processor time as the quiet machine takes that the bounds were set on. */
export type Task = { readonly wallMs: number; readonly cpuMs: number; readonly evenMs: number }

export type Recording = {
  /** One piece of the fixed work, some 20 ms. */
  readonly gauge: () => Promise<void>
  /** The tasks of 50 ms of wall time and more, longest first, without the fixed work. */
  readonly end: () => Promise<Task[]>
}

type TraceEvent = {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** microseconds: since when, wall, thread */
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
}

/** Each piece of work leaves it in the trace, so that the page's thread is known among those of the browser's own pages. */
const MARK = 'a piece of the fixed work'
/** Objects, strings and a sort, as a page's own work is. */
const WORK = `(() => {
  performance.mark('${MARK}')
  const all = []
  for (let i = 0; i < 12000; i++) all.push({ name: 'workload-' + ((i * 7919) % 12007), risk: (i * 31) % 997 })
  all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return new Map(all.map((one) => [one.name, one.risk])).size
})()`
/** The median of that work on two quiet processors of this project's machines. */
const QUIET_MS = 18
const PIECES_AT_THE_END = 5

/** Begins at once. */
export async function recordTasks(page: Page): Promise<Recording> {
  const cdp = await page.context().browser()!.newBrowserCDPSession()
  const events: TraceEvent[] = []
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'blink.user_timing'] },
  })
  const gauge = async () => void (await page.evaluate(WORK))
  return {
    gauge,
    end: async () => {
      for (let i = 0; i < PIECES_AT_THE_END; i++) await gauge()
      const complete = new Promise<void>((resolve) => cdp.once('Tracing.tracingComplete', () => resolve()))
      await cdp.send('Tracing.end')
      await complete
      await cdp.detach()
      return tasksOf(events)
    },
  }
}

function tasksOf(events: readonly TraceEvent[]): Task[] {
  const marks = events.filter(({ name }) => name === MARK)
  const own = marks[0]
  if (own === undefined) throw new Error('the trace has nothing of the page')
  const all = events.filter((e) => e.name === 'ThreadControllerImpl::RunTask' && e.pid === own.pid && e.tid === own.tid)
  const isWork = ({ ts, dur = 0 }: TraceEvent) => marks.some((mark) => mark.ts >= ts && mark.ts <= ts + dur)
  const [work, others] = [all.filter(isWork), all.filter((task) => !isWork(task))]
  const taken = work.map(({ tdur = 0 }) => tdur / 1_000).sort((a, b) => a - b)
  const slowness = Math.max(1, (taken[taken.length >> 1] ?? QUIET_MS) / QUIET_MS)
  return others
    .map(({ dur = 0, tdur = 0 }) => ({
      wallMs: Math.round(dur / 1_000),
      cpuMs: Math.round(tdur / 1_000),
      evenMs: Math.round(tdur / 1_000 / slowness),
    }))
    .filter((task) => task.wallMs >= 50)
    .sort((a, b) => b.cpuMs - a.cpuMs)
}

/** The longest eight, for a diagnostic. */
export function taskWords(tasks: readonly Task[]): string {
  const words = tasks.slice(0, 8).map(({ cpuMs, wallMs, evenMs }) => `${evenMs}/${cpuMs}/${wallMs}`)
  return words.length === 0 ? 'none' : words.join(' ')
}
