/**
 * EVE's dns events in their three versions (docs.suricata.io, "Event type: DNS"): a question and its answer come as two
 * events, in version 1 every answer record as one of its own. While the question is still in the batch they become one hint.
 */
import type { FlowBatch } from '../../model/flow.ts'
import type { DnsHint, HintEnds } from '../../model/hint.ts'
import { type EveRecord, eveEnds, listAt, numberAt, objectAt, swapEnds, textAt } from './eve-hints.ts'
import { answersText, dnsCode, dnsType, nameText } from './hint-fields.ts'
import { giveHint, type Refused, refusedLine } from './line-rows.ts'

const DNS_PORTS = new Set([53, 5353, 5355])
const MAX_WAITING = 8_192
const WORD = 4_294_967_296

export type EveDns = {
  take(batch: FlowBatch, event: EveRecord, at: number): Refused
  /** What was said of the client's question; its ends are `clientFirst`. */
  give(batch: FlowBatch, flow: number, id: number, said: DnsHint): void
}

export function createEveDns(passed: Map<string, number>): EveDns {
  /** Weak hash of a question → where in `waitingIn` its hint is, and whose it was. Where two meet, one is told by itself. */
  const waiting = new Map<number, { readonly flow: number; readonly id: number; readonly at: number }>()
  let waitingIn: readonly unknown[] | null = null

  const give = (batch: FlowBatch, flow: number, id: number, said: DnsHint): void => {
    const key = (Math.imul(flow % WORD, 31) + Math.imul(id, 7) + said.type) | 0
    if (waitingIn !== batch.hints || batch.hints.length === 0 || waiting.size >= MAX_WAITING) waiting.clear()
    waitingIn = batch.hints
    const asked = waiting.get(key)
    const before = asked?.flow === flow && Object.is(asked.id, id) ? batch.hints[asked.at] : undefined
    if (before?.kind === 'dns' && before.query === said.query && before.type === said.type) {
      batch.hints[asked!.at] = joined(before, said)
      return
    }
    waiting.set(key, { flow, id, at: batch.hints.length })
    giveHint(batch, said, passed)
  }
  return {
    give,
    take(batch, event, at) {
      const dns = objectAt(event, 'dns')
      const said = eveEnds(event, at)
      if (dns === null || said === null) return refusedLine('a dns event without its dns, a time and two addresses')
      const ends = clientFirst(said)
      const flow = typeof event.flow_id === 'number' ? event.flow_id : 0
      for (const hint of hintsOf(dns, ends)) give(batch, flow, numberAt(dns, 'id'), hint)
      return null
    },
  }
}

export function clientFirst(said: HintEnds): HintEnds {
  return DNS_PORTS.has(said.sourcePort) && !DNS_PORTS.has(said.targetPort) ? swapEnds(said) : said
}

/** Version 3 lists its questions, the others have one; before version 2 answers were named `query`, too, by their own name. */
function hintsOf(dns: EveRecord, ends: HintEnds): DnsHint[] {
  const isAnswer = ['answer', 'response'].includes(textAt(dns, 'type'))
  const questions = listAt(dns, 'queries').filter(isRecord)
  const code = isAnswer ? dnsCode(textAt(dns, 'rcode')) : -1
  const own = textAt(dns, 'rdata')
  const answers = [
    ...(own === '' ? [] : [own]),
    ...listAt(dns, 'answers')
      .filter(isRecord)
      .map((one) => textAt(one, 'rdata')),
  ]
  return (questions.length > 0 ? questions : [dns]).map((question) => ({
    ...ends,
    kind: 'dns',
    query: nameText(textAt(question, 'rrname')),
    type: dnsType(textAt(question, 'rrtype')),
    // An answer record without a code was answered all the same.
    code: isAnswer && code < 0 ? 0 : code,
    answers: answersText(answers.filter((answer) => answer !== '')),
    answeredMs: -1,
  }))
}

function joined(before: DnsHint, said: DnsHint): DnsHint {
  return {
    ...before,
    code: said.code < 0 ? before.code : said.code,
    answers: [...before.answers, ...said.answers].slice(0, 16),
    answeredMs: before.code < 0 && said.code >= 0 ? Math.max(0, said.at - before.at) : before.answeredMs,
  }
}

const isRecord = (value: unknown): value is EveRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
