/** How shifts end without anybody asking for that one: their time is over, a newer one took their place, a person went back. */
import type { TenantId } from '../model/ids.ts'
import type { Store } from '../model/store.ts'

export async function endShifts(store: Store, tenant: TenantId, now: number): Promise<void> {
  const expire = (shift: { readonly id: Parameters<Store['shifts']['move']>[1] }, summary: string) =>
    store.shifts.move(tenant, shift.id, 'expired', {
      actor: 'guise',
      action: 'shift.expired',
      object: shift.id,
      summary,
    })
  for (const shift of await store.shifts.due(tenant, now)) await expire(shift, 'its time is over')
  // A newer shift of the same workload that was confirmed ends the older ones.
  const seen = new Set<string>()
  for (const shift of await store.shifts.current(tenant)) {
    if (shift.state !== 'confirmed') continue
    if (seen.has(shift.workload)) await expire(shift, 'a newer shift took its place')
    seen.add(shift.workload)
  }
}

/** Wishes that are younger than what a person went back to. */
export async function undoSince(store: Store, tenant: TenantId, at: number, by: string, why: string): Promise<void> {
  for (const shift of await store.shifts.current(tenant)) {
    if (shift.createdAt <= at) continue
    await store.shifts.move(tenant, shift.id, 'rolled-back', {
      actor: by,
      action: 'shift.undo',
      object: shift.id,
      summary: why,
    })
  }
}
