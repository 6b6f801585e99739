/** Each conversation carries what the rules in force say of it; a mode that only counts says so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reportOf } from '../../test/api.ts'
import type { AgentState, RuleList } from '../model/desired.ts'
import type { ConversationRecord, WorkloadRecord } from '../model/records.ts'
import { judgeConversations } from './judged-conversations.ts'

const workload = (key: string, addresses: string[]) =>
  ({ id: key, report: reportOf(key, { addresses }) }) as unknown as WorkloadRecord
const db = workload('db-1', ['10.0.0.5'])
const web = workload('web-1', ['10.0.0.9'])
const why = (rule: string) => ({ rule, text: `because of ${rule}` })
const egress: RuleList = {
  rules: [
    {
      verdict: 'deny',
      match: { peer: { kind: 'set', set: 'bad' }, service: null },
      why: why('block'),
    },
  ],
  otherwise: 'allow',
  why: why('default'),
}
const state = (mode: AgentState['mode'], members: string[]) =>
  ({
    mode,
    workloads: [
      { key: 'db-1', egress, ingress: { rules: [], otherwise: 'deny', why: why('closed') }, containment: null },
    ],
    sets: [{ name: 'bad', members }],
    neverBlock: [],
    failSafe: [],
  }) as unknown as AgentState
const spoke = (peer: string, direction: 'initiated' | 'served') =>
  ({ peer, direction, port: 443, proto: 6 }) as unknown as ConversationRecord
const rows = [spoke('203.0.113.7', 'initiated'), spoke('203.0.113.8', 'initiated'), spoke('10.0.0.9', 'served')]

test('verdict, why and the name of a peer that is ours', () => {
  const judged = judgeConversations(db, state('enforce', ['203.0.113.7']), rows, [db, web], 0)
  assert.deepEqual(
    judged.map((row) => [row.verdict, row.why?.rule, row.peerName]),
    [
      ['deny', 'block', null],
      ['allow', 'default', null],
      ['deny', 'closed', 'web-1'],
    ],
  )
  const counted = judgeConversations(db, state('observe', ['203.0.113.7']), rows, [db, web], 0)
  assert.deepEqual(
    counted.map((row) => row.verdict),
    ['would-deny', 'allow', 'would-deny'],
  )
})

test('no rules, no verdict; walking is bounded', () => {
  assert.equal(judgeConversations(db, null, rows, [], 0)[0]!.verdict, undefined)
  const many = Array.from({ length: 300_000 }, (_, i) => `203.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
  const judged = judgeConversations(db, state('enforce', many), rows, [], 0)
  assert.deepEqual(
    judged.map((row) => row.verdict === undefined),
    [false, true, true],
  )
})
