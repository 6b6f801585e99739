/**
 * The ledger's chain, recomputed for who asks. That reads every row there ever was, so whoever asks meanwhile, or a moment
 * later, is told of the same run: a page that is opened often does not keep the database busy.
 */
import type { TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'

export type LedgerVerdict = Awaited<ReturnType<Store['ledger']['verify']>>
export type LedgerCheck = (tenant: TenantId) => Promise<LedgerVerdict>

const KEPT_MS = 5_000

/** `monotonicMs`: a wall clock that is set back would keep an answer for as long. */
export function createLedgerCheck(verify: LedgerCheck, monotonicMs = () => performance.now()): LedgerCheck {
  const runs = new Map<TenantId, { readonly verdict: Promise<LedgerVerdict>; endedAt: number | null }>()
  return (tenant) => {
    const last = runs.get(tenant)
    if (last !== undefined && (last.endedAt === null || monotonicMs() - last.endedAt < KEPT_MS)) return last.verdict
    const run = { verdict: verify(tenant), endedAt: null as number | null }
    runs.set(tenant, run)
    run.verdict.then(
      () => {
        run.endedAt = monotonicMs()
      },
      // The next one tries again.
      () => runs.delete(tenant),
    )
    return run.verdict
  }
}
