/**
 * Assess turns flows into evidence and evidence into risk; it fetches nothing and decides nothing. This file is the
 * composition: batches come in, findings (who is to blame, evidence) go out, and everything held is under a bound.
 */

import { parseAddress } from '../model/address.ts'
import type { Channels } from '../model/channels.ts'
import type { Evidence } from '../model/evidence.ts'
import type { FlowBatch } from '../model/flow.ts'
import { DEFAULT_HOME_NETWORKS, type Networks } from '../model/networks.ts'
import { createBeacon } from './beacon.ts'
import { createBlocklist } from './blocklist.ts'
import { createBruteforce } from './bruteforce.ts'
import type { Detector, Finding } from './detector.ts'
import { createDnsNames } from './dns-names.ts'
import { createEnds } from './ends.ts'
import { createExfiltration } from './exfiltration.ts'
import { createIndicatorIndex, createNeverBlock, type IndicatorIndex } from './indicators.ts'
import { createLoginGuesses } from './login-guesses.ts'
import { createHorizontalScan, createIcmpScan, createVerticalScan } from './scan.ts'
import { createSensorAlerts } from './sensor-alerts.ts'

export type DetectorsOptions = {
  /** Empty = the private ranges (model/networks.ts). */
  readonly homeNetworks: readonly string[]
  readonly indicators?: IndicatorIndex
  readonly neverBlock?: Networks
  readonly maxAddresses?: number
  /** Shared with whoever looks at the same batches. */
  readonly channels?: Channels
}

export type Detectors = {
  /** What is held and refused per detector, for `doctor` and tests. */
  counters(): Record<string, number>
  /** `numbers`: of the batch's channels, where they were looked up before. */
  add(batch: FlowBatch, numbers?: Int32Array): void
  /**
   * Findings since the last call; a repeat is left out unless it grew by a quarter of a log-odd or a minute has passed.
   * `subject` is the address to blame. `now` is event time, epoch ms.
   */
  evaluate(now: number): Finding[]
  /** Forgets what these did: they are somebody else's addresses now. */
  drop(addresses: readonly string[]): void
}

const DAY_MS = 86_400_000
const FORGET_EVERY_MS = 3_600_000
const SAY_AGAIN_MS = 60_000
const SAY_AGAIN_GAIN = 0.25
const MAX_SAID = 50_000
/** Small corrections of a clock are within every span that is judged. */
const CLOCK_STEP_MS = 60_000

export function createDetectors(options: DetectorsOptions): Detectors {
  const maxAddresses = options.maxAddresses ?? 262_144
  const ends = createEnds({
    homeNetworks: options.homeNetworks.length > 0 ? options.homeNetworks : DEFAULT_HOME_NETWORKS,
    neverBlock: options.neverBlock ?? createNeverBlock([]),
    maxAddresses,
    ...(options.channels === undefined ? {} : { channels: options.channels }),
  })
  const detectors: readonly Detector[] = [
    createBeacon(),
    createHorizontalScan(),
    createVerticalScan(),
    createIcmpScan(),
    createExfiltration(),
    createBruteforce(),
    createLoginGuesses(),
    createDnsNames(),
    createSensorAlerts(),
    createBlocklist({ indicators: options.indicators ?? createIndicatorIndex([]) }),
  ]
  const said = new Map<string, { subject: string; weight: number; at: number }>()
  let forgotAt = Number.NEGATIVE_INFINITY
  let madeRoomAt = Number.NEGATIVE_INFINITY
  let askedAt = Number.NEGATIVE_INFINITY
  const refusedBefore = detectors.map(() => 0)

  /** Everything older than a day goes; when addresses run out, a shorter memory is better than none for the new. */
  const forget = (now: number) => {
    let age = DAY_MS
    do {
      for (const detector of detectors) detector.forget(now - age)
      ends.forget(now - age)
      age /= 4
    } while (ends.addresses.size > maxAddresses * 0.6 && age > SAY_AGAIN_MS)
    for (const [key, last] of said) if (last.at < now - FORGET_EVERY_MS) said.delete(key)
    forgotAt = now
  }
  /** Who had to refuse since the last time gives up its oldest: else one scan of every port would blind it for a day. */
  const makeRoom = (now: number): boolean => {
    if (Math.abs(now - madeRoomAt) < SAY_AGAIN_MS) return false
    const full = detectors.filter((detector, i) => detector.refused > refusedBefore[i]!)
    for (const detector of full) {
      const enough = detector.held * 0.6
      let age = DAY_MS
      do {
        age = Math.max(age / 4, detector.spanMs)
        detector.forget(now - age)
      } while (detector.held > enough && age > detector.spanMs)
    }
    if (full.length === 0) return false
    madeRoomAt = now
    detectors.forEach((detector, i) => {
      refusedBefore[i] = detector.refused
    })
    return true
  }
  /** The clock was set back: until the time comes again that keys were seen at, nothing new about them would count. */
  const forgetFuture = (now: number) => {
    for (const detector of detectors) detector.forget(Number.NEGATIVE_INFINITY, now)
    ends.forget(Number.NEGATIVE_INFINITY, now)
    for (const [key, last] of said) if (last.at > now) said.delete(key)
    forgotAt = Math.min(forgotAt, now)
  }
  const isNews = (evidence: Evidence): boolean => {
    const key = `${evidence.kind} ${evidence.subject} ${evidence.peer}`
    const last = said.get(key)
    if (last !== undefined && evidence.weight < last.weight + SAY_AGAIN_GAIN && evidence.at < last.at + SAY_AGAIN_MS)
      return false
    if (said.size >= MAX_SAID) said.clear()
    said.set(key, { subject: evidence.subject, weight: evidence.weight, at: evidence.at })
    return true
  }

  return {
    counters() {
      const counts: Record<string, number> = {
        'detectors.addresses': ends.addresses.size,
        'detectors.addressesRefused': ends.addresses.refused,
      }
      for (const detector of detectors) {
        counts[`detectors.${detector.name}.held`] = detector.held
        counts[`detectors.${detector.name}.refused`] = detector.refused
      }
      return counts
    },
    add(batch, numbers) {
      ends.look(batch, numbers)
      for (const detector of detectors) detector.add(batch, ends)
    },
    evaluate(now) {
      if (now < askedAt - CLOCK_STEP_MS) forgetFuture(now)
      askedAt = now
      const findings: Finding[] = []
      for (const detector of detectors)
        for (const evidence of detector.evaluate(now, ends))
          if (isNews(evidence)) findings.push({ subject: evidence.subject, evidence })
      const hasRoom = makeRoom(now)
      if (hasRoom || now - forgotAt > FORGET_EVERY_MS || ends.addresses.size >= maxAddresses * 0.8) forget(now)
      return findings
    },
    drop(addresses) {
      const ids = new Set<number>()
      for (const text of addresses) {
        const words = parseAddress(text)
        const id = words === null ? -1 : ends.addresses.find(words, 0)
        if (id >= 0) ids.add(id)
      }
      if (ids.size === 0) return
      for (const detector of detectors) detector.drop(ids)
      const subjects = new Set([...ids].map((id) => ends.text(id)))
      for (const [key, { subject }] of said) if (subjects.has(subject)) said.delete(key)
      // No address is too old; but what channels lead to in the detectors may be another's from now on.
      ends.forget(Number.NEGATIVE_INFINITY)
    },
  }
}
