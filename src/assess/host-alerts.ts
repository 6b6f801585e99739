/**
 * Alerts of sensors that look at processes (Falco) come in by workload, evidence goes out: somebody else's judgement with a
 * modest weight of ours, as for alerts on packets (`sensor-alerts.ts`), but there is no other end to name.
 */
import type { Evidence } from '../model/evidence.ts'
import { plainText } from '../model/plain-text.ts'

export type HostAlert = {
  readonly key: string
  /** epoch ms */
  readonly at: number
  readonly sensor: string
  readonly rule: string
  /** 1 = worst. */
  readonly severity: 1 | 2 | 3
}
export type HostAlerts = {
  take(alert: HostAlert): void
  /** What is new since the last call. */
  evaluate(now: number): { readonly key: string; readonly evidence: Evidence }[]
  readonly counters: { held: number; refused: number }
}

const HALF_LIFE_MS = 1_800_000
/** As `sensor-alerts.ts` has them: the worst alone does not contain anybody. */
const WEIGHTS = { 1: 2, 2: 1.2, 3: 0.4 } as const
const PER_DOUBLING = 0.25
const MAX_RULES = 64
const MAX_WORKLOADS = 10_000

type Held = { worst: HostAlert; readonly rules: Set<string>; count: number; last: number; isNews: boolean }

export function createHostAlerts(): HostAlerts {
  const held = new Map<string, Held>()
  const counters = { held: 0, refused: 0 }
  return {
    counters,
    take(alert) {
      const known = held.get(alert.key)
      if (known === undefined && held.size >= MAX_WORKLOADS) {
        counters.refused++
        return
      }
      const one = known ?? { worst: alert, rules: new Set(), count: 0, last: alert.at, isNews: true }
      if (alert.severity < one.worst.severity) one.worst = alert
      if (one.rules.size < MAX_RULES) one.rules.add(alert.rule)
      one.count++
      one.last = Math.max(one.last, alert.at)
      one.isNews = true
      held.set(alert.key, one)
    },
    evaluate(now) {
      const found = []
      for (const [key, one] of held) {
        // Stamped while the clock was ahead, it would be the last until then.
        one.last = Math.min(one.last, now)
        if (one.isNews) found.push({ key, evidence: toEvidence(key, one) })
        one.isNews = false
        // Decayed to a sixteenth: what comes then is told anew.
        if (now - one.last > 4 * HALF_LIFE_MS) held.delete(key)
      }
      counters.held = held.size
      return found
    },
  }
}

function toEvidence(key: string, { worst, rules, count, last }: Held): Evidence {
  const sensor = plainText(worst.sensor, 40)
  const more = count > 1 ? `, ${count} alerts of ${rules.size} ${rules.size === 1 ? 'rule' : 'rules'} in all` : ''
  return {
    kind: 'sensor.alert',
    subject: key,
    peer: null,
    weight: WEIGHTS[worst.severity] + PER_DOUBLING * Math.log2(rules.size),
    halfLifeMs: HALF_LIFE_MS,
    at: last,
    // Who may write to the sensor's log may say anything.
    authenticated: false,
    source: `sensor ${sensor}`,
    why: `${sensor} alerted on what its programs do: "${plainText(worst.rule, 200)}" (severity ${worst.severity})${more}`,
    figures: { alerts: count, signatures: rules.size, severity: worst.severity },
  }
}
