import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createConnLog } from './conn-log.ts'

const NEW =
  '[1795241301.000000]\t[NEW] ipv4     2 tcp      6 5 SYN_SENT src=10.77.4.2 dst=10.77.2.2 sport=41122 dport=8080 [UNREPLIED] src=10.77.2.2 dst=10.77.4.2 sport=8080 dport=41122 id=77'
const DESTROY =
  '[1795241306.500000]\t[DESTROY] ipv4     2 tcp      6 1 TIME_WAIT src=10.77.4.2 dst=10.77.2.2 sport=41122 dport=8080 packets=6 bytes=512 src=10.77.2.2 dst=10.77.4.2 sport=8080 dport=41122 packets=5 bytes=8351 [ASSURED] delta-time=5 id=77'

test('a flow that began and ended becomes one row, without the time its entry lingered', () => {
  const log = createConnLog()
  log.event(NEW)
  log.event(DESTROY)
  const [row] = log.rows()
  assert.deepEqual(
    { ...row },
    {
      ts: 1795241301,
      uid: 'C77',
      'id.orig_h': '10.77.4.2',
      'id.orig_p': 41122,
      'id.resp_h': '10.77.2.2',
      'id.resp_p': 8080,
      proto: 'tcp',
      duration: 2.5,
      conn_state: 'SF',
      orig_pkts: 6,
      orig_ip_bytes: 512,
      resp_pkts: 5,
      resp_ip_bytes: 8351,
    },
  )
})

test('a refused and an unanswered connection, and a ping, keep what they were', () => {
  const log = createConnLog()
  log.event(DESTROY.replace('TIME_WAIT', 'CLOSE').replace('[ASSURED] ', ''))
  log.event(DESTROY.replace('packets=5 bytes=8351', 'packets=0 bytes=0').replace('id=77', 'id=78'))
  log.event(
    '[1795241306.500000]\t[DESTROY] ipv4     2 icmp     1 3 src=10.77.4.2 dst=10.77.1.9 type=8 code=0 id=5 packets=1 bytes=84 src=10.77.1.9 dst=10.77.4.2 type=0 code=0 id=5 packets=1 bytes=84 id=79',
  )
  assert.deepEqual(
    log.rows().map((r) => [r.uid, r.proto, r.conn_state, r['id.orig_p']]),
    [
      ['C79', 'icmp', 'SF', 8],
      ['C78', 'tcp', 'S0', 41122],
      ['C77', 'tcp', 'REJ', 41122],
    ],
  )
})

test('cut and garbled lines are passed over, never fatal', () => {
  fc.assert(
    fc.property(fc.nat(DESTROY.length), fc.string({ maxLength: 40 }), (cut, garbage) => {
      const log = createConnLog()
      log.event(DESTROY.slice(0, cut) + garbage)
      log.listed(garbage, 0)
      assert.ok(log.rows().length <= 1)
    }),
  )
})
