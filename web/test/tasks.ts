/**
 * How long the tasks of a page's main thread are, by the browser's own trace: wall time as a person feels it, and the
 * processor time of the thread, which other programs of a busy test machine do not lengthen.
 */
import type { Page } from 'playwright-core'

export type Task = { readonly wallMs: number; readonly cpuMs: number }

type TraceEvent = {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** microseconds: wall, thread */
  readonly dur?: number
  readonly tdur?: number
}

/** What the page leaves in the trace, so that its thread is known among those of the browser's own pages. */
const MARK = 'these are its tasks'

/** Begins at once; the returned function ends it and gives the tasks of 50 ms of wall time and more, longest first. */
export async function recordTasks(page: Page): Promise<() => Promise<Task[]>> {
  const cdp = await page.context().browser()!.newBrowserCDPSession()
  const events: TraceEvent[] = []
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'blink.user_timing'] },
  })
  return async () => {
    await page.evaluate(`performance.mark('${MARK}')`)
    const complete = new Promise<void>((resolve) => cdp.once('Tracing.tracingComplete', () => resolve()))
    await cdp.send('Tracing.end')
    await complete
    await cdp.detach()
    const own = events.find(({ name }) => name === MARK)
    if (own === undefined) throw new Error('the trace has nothing of the page')
    return events
      .filter((e) => e.name === 'ThreadControllerImpl::RunTask' && e.pid === own.pid && e.tid === own.tid)
      .map((e) => ({ wallMs: Math.round((e.dur ?? 0) / 1_000), cpuMs: Math.round((e.tdur ?? 0) / 1_000) }))
      .filter((task) => task.wallMs >= 50)
      .sort((a, b) => b.cpuMs - a.cpuMs)
  }
}
