/**
 * How long the tasks of a page's main thread are, by the browser's own trace: wall time as a person feels it, and the
 * processor time of the thread, which other programs of a busy test machine do not lengthen.
 */
import type { Browser } from 'playwright-core'

export type Task = { readonly wallMs: number; readonly cpuMs: number }

type TraceEvent = {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** microseconds: wall, thread */
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** Begins at once; the returned function ends it and gives the tasks of 50 ms of wall time and more, longest first. */
export async function recordTasks(browser: Browser): Promise<() => Promise<Task[]>> {
  const cdp = await browser.newBrowserCDPSession()
  const events: TraceEvent[] = []
  cdp.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', '__metadata'] },
  })
  return async () => {
    const complete = new Promise<void>((resolve) => cdp.once('Tracing.tracingComplete', () => resolve()))
    await cdp.send('Tracing.end')
    await complete
    await cdp.detach()
    const main = new Set(
      events
        .filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain')
        .map((e) => `${e.pid} ${e.tid}`),
    )
    return events
      .filter((e) => e.name === 'ThreadControllerImpl::RunTask' && main.has(`${e.pid} ${e.tid}`))
      .map((e) => ({ wallMs: Math.round((e.dur ?? 0) / 1_000), cpuMs: Math.round((e.tdur ?? 0) / 1_000) }))
      .filter((task) => task.wallMs >= 50)
      .sort((a, b) => b.cpuMs - a.cpuMs)
  }
}
