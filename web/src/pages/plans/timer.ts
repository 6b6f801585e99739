/** The host's own timer as this page sees it: from the deadline its agents said, by the server's clock; never counted from here. */
import { t } from 'i18next'
import { useEffect, useRef, useState } from 'react'
import type { AgentRecord, PlanPreview } from '../../nouns.ts'
import { useNow } from '../../parts/now.ts'

export type Probe = { readonly host: string; readonly name: string; readonly ok: boolean; readonly detail: string }
export type Timer = {
  /** epoch ms */
  readonly deadline: number
  readonly leftMs: number
  readonly totalMs: number
  readonly hosts: readonly string[]
}

const LAST_MS = 15_000
export const isLast = (timer: Timer) => timer.leftMs < LAST_MS

/** Agents at the plan's generation, as they reported last. */
export function agentsAt(plan: PlanPreview, agents: readonly AgentRecord[]): readonly AgentRecord[] {
  const own = new Set<string>(plan.agents.map((one) => one.agent))
  return agents.filter((one) => own.has(one.id) && one.applied?.generation.n === plan.generation)
}

export function probesOf(plan: PlanPreview, agents: readonly AgentRecord[]): readonly Probe[] {
  return agentsAt(plan, agents).flatMap((one) =>
    (one.applied?.probes ?? []).map((probe) => ({ host: one.host, ...probe })),
  )
}

/** Null while no host counts. */
export function useTimer(plan: PlanPreview, agents: readonly AgentRecord[]): Timer | null {
  const now = useNow()
  if (plan.state !== 'applying' && plan.state !== 'confirming') return null
  const counting = agentsAt(plan, agents).flatMap((one) => {
    const at = one.applied?.deadline ?? null
    return at === null || one.applied?.state === 'confirmed' ? [] : [{ host: one.host, at }]
  })
  if (counting.length === 0) return null
  const deadline = Math.min(...counting.map(({ at }) => at))
  const hosts = counting.map(({ host }) => host)
  return { deadline, hosts, leftMs: Math.max(0, deadline - now), totalMs: plan.rollback_within_ms }
}

const SAID_AT = [60, 30, 10] as const

/** What a screen reader hears of the countdown: three marks, never every second. */
export function useSpokenTime(timer: Timer | null): string {
  const left = timer === null ? null : timer.leftMs / 1_000
  const before = useRef<number | null>(null)
  const [said, setSaid] = useState('')
  useEffect(() => {
    const was = before.current
    before.current = left
    if (left === null || was === null) return
    const mark = SAID_AT.find((at) => was > at && left <= at)
    if (mark !== undefined) setSaid(t(`planPage.timer.leftAt.s${mark}`))
  }, [left])
  return said
}
