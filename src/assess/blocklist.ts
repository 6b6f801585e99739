/** Who speaks with an address that threat intelligence rates low. The initiator is to blame: a listed address that knocks is blamed itself. */
import type { Evidence } from '../model/evidence.ts'
import { beginsFlow, type FlowBatch, Mark } from '../model/flow.ts'
import { plainText } from '../model/plain-text.ts'
import { type Detector, highOf, lowOf, pairKey } from './detector.ts'
import type { Ends } from './ends.ts'
import { type Indicator, type IndicatorIndex, LOW_REPUTATION } from './indicators.ts'

const HALF_LIFE_MS = 6 * 3_600_000

type Contact = {
  readonly indicator: Indicator
  readonly isInbound: boolean
  flows: number
  bytes: number
  last: number
  isProven: boolean
}

export function createBlocklist(options: {
  readonly indicators: IndicatorIndex
  readonly maxContacts?: number
}): Detector {
  const { indicators } = options
  const maxContacts = options.maxContacts ?? 32_768
  const contacts = new Map<number, Contact>()
  const news = new Set<number>()
  let refused = 0

  const take = (batch: FlowBatch, row: number, key: number, indicator: Indicator, isInbound: boolean) => {
    let contact = contacts.get(key)
    if (contact === undefined) {
      if (contacts.size >= maxContacts) {
        refused++
        return
      }
      contact = { indicator, isInbound, flows: 0, bytes: 0, last: 0, isProven: false }
      contacts.set(key, contact)
    }
    if (beginsFlow(batch, row)) contact.flows += batch.flows[row]!
    contact.bytes += batch.bytesOut[row]! + batch.bytesIn[row]!
    contact.last = Math.max(contact.last, batch.end[row]!)
    contact.isProven ||= (batch.marks[row]! & (Mark.handshake | Mark.antispoofed)) !== 0
    news.add(key)
  }

  return {
    name: 'blocklist',
    spanMs: HALF_LIFE_MS,
    get held() {
      return contacts.size
    },
    get refused() {
      return refused
    },
    add(batch, ends) {
      if (indicators.size === 0) return
      for (let row = 0; row < batch.count; row++) {
        if (ends.source[row]! < 0) continue
        const key = pairKey(ends.source[row]!, ends.target[row]!)
        const called = indicators.lookup(batch.target, row * 4)
        const caller =
          called !== null && called.score < LOW_REPUTATION ? null : indicators.lookup(batch.source, row * 4)
        if (called !== null && called.score < LOW_REPUTATION) take(batch, row, key, called, false)
        else if (caller !== null && caller.score < LOW_REPUTATION) take(batch, row, key, caller, true)
      }
    },
    evaluate(_now, ends) {
      const found: Evidence[] = []
      for (const key of news) found.push(toEvidence(key, contacts.get(key)!, ends))
      news.clear()
      return found
    },
    forget(before, after = Number.POSITIVE_INFINITY) {
      for (const [key, contact] of contacts)
        if (contact.last < before || contact.last > after) {
          contacts.delete(key)
          news.delete(key)
        }
    },
    drop(sources) {
      for (const key of contacts.keys()) if (sources.has(highOf(key)) && contacts.delete(key)) news.delete(key)
    },
  }
}

function toEvidence(key: number, contact: Contact, ends: Ends): Evidence {
  const subject = ends.text(highOf(key))
  const peer = ends.text(lowOf(key))
  const { score, confidence, feed } = contact.indicator
  const name = plainText(feed, 63)
  const who = contact.isInbound
    ? `is rated ${score.toFixed(2)} by feed ${name} and called ${peer}`
    : `called ${peer}, which feed ${name} rates ${score.toFixed(2)}`
  return {
    kind: 'blocklist',
    subject,
    peer,
    // A certain entry of a fully trusted feed is 4.5 (σ(1.9) = 0.87); an entry at the bound of "low" is worth nothing.
    weight: 4.5 * confidence * (1 - score / LOW_REPUTATION),
    halfLifeMs: HALF_LIFE_MS,
    at: contact.last,
    authenticated: contact.isProven,
    source: `feed ${name}`,
    why: `${who}: ${contact.flows} ${contact.flows === 1 ? 'flow' : 'flows'}, ${Math.round(contact.bytes)} bytes`,
    figures: { score, confidence, flows: contact.flows, bytes: contact.bytes },
  }
}
