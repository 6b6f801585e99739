/** Alerts of other sensors (Suricata): somebody else's judgement, passed on with its name and a modest weight of ours. */
import type { Evidence } from '../model/evidence.ts'
import type { AlertHint } from '../model/hint.ts'
import { plainText } from '../model/plain-text.ts'
import { type Detector, highOf, lowOf, pairKey } from './detector.ts'
import type { Ends } from './ends.ts'

const HALF_LIFE_MS = 1_800_000
/** Signatures are wrong often: the worst alone brings σ(−0.6) = 0.35, three kinds of it 0.45. */
const WEIGHTS = [2, 1.2, 0.4] as const
const LEAST_WEIGHT = 0.2
const PER_DOUBLING = 0.25
/** Signatures told apart for one pair of addresses. */
const MAX_SIGNATURES = 64

type Alerts = { worst: AlertHint; readonly signatures: Set<string>; count: number; last: number }

export function createSensorAlerts(options: { readonly maxKeys?: number } = {}): Detector {
  const maxKeys = options.maxKeys ?? 32_768
  const held = new Map<number, Alerts>()
  const news = new Set<number>()
  let refused = 0

  const take = (key: number, hint: AlertHint): void => {
    const alerts = held.get(key)
    if (alerts === undefined && held.size >= maxKeys) {
      refused++
      return
    }
    const known = alerts ?? { worst: hint, signatures: new Set<string>(), count: 0, last: hint.at }
    if (alerts === undefined) held.set(key, known)
    if (hint.severity < known.worst.severity) known.worst = hint
    if (known.signatures.size < MAX_SIGNATURES) known.signatures.add(hint.signature)
    known.count++
    known.last = Math.max(known.last, hint.at)
    news.add(key)
  }
  return {
    name: 'sensor-alerts',
    spanMs: HALF_LIFE_MS,
    get held() {
      return held.size
    },
    get refused() {
      return refused
    },
    add(batch, ends) {
      for (let i = 0; i < batch.hints.length; i++) {
        const hint = batch.hints[i]!
        if (hint.kind === 'alert' && ends.hintSource[i]! >= 0)
          take(pairKey(ends.hintSource[i]!, ends.hintTarget[i]!), hint)
      }
    },
    evaluate(_now, ends) {
      const found = [...news].map((key) => toEvidence(key, held.get(key)!, ends))
      news.clear()
      return found
    },
    forget(before, after = Number.POSITIVE_INFINITY) {
      for (const [key, alerts] of held) {
        if (alerts.last >= before && alerts.last <= after) continue
        held.delete(key)
        news.delete(key)
      }
    },
    drop(sources) {
      for (const key of held.keys()) if (sources.has(highOf(key)) && held.delete(key)) news.delete(key)
    },
  }
}

function toEvidence(key: number, { worst, signatures, count, last }: Alerts, ends: Ends): Evidence {
  const peer = ends.text(lowOf(key))
  const sensor = plainText(worst.sensor, 40)
  const more =
    count > 1 ? `, ${count} alerts of ${signatures.size} ${signatures.size === 1 ? 'kind' : 'kinds'} in all` : ''
  return {
    kind: 'sensor.alert',
    subject: ends.text(highOf(key)),
    peer,
    weight: (WEIGHTS[worst.severity - 1] ?? LEAST_WEIGHT) + PER_DOUBLING * Math.log2(signatures.size),
    halfLifeMs: HALF_LIFE_MS,
    at: last,
    // What a sensor saw may have been a single forged packet.
    authenticated: false,
    source: `sensor ${sensor}`,
    why: `${sensor} alerted on its traffic to ${peer}: "${plainText(worst.signature, 200)}" (severity ${worst.severity})${more}`,
    figures: { alerts: count, signatures: signatures.size, severity: worst.severity },
  }
}
