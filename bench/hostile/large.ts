/** Abuses of size and time, too slow for every run: a million rules, a set of ten million, a message that never ends. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Abuse, Ground } from './abuses.ts'

export function largeAbuses(ground: Ground, folder: string): Abuse[] {
  const own = (name: string, reason: RegExp, write: (put: (text: string) => void, n: number) => void): Abuse => ({
    name,
    reason,
    line: 'own',
    orders(n) {
      const file = join(folder, `${name.replaceAll(' ', '-')}.json`)
      const fd = openSync(file, 'w')
      write((text) => void writeSync(fd, text), n)
      closeSync(fd)
      return [{ file }]
    },
  })
  const around = (n: number, change: object): [string, string] => {
    const text = JSON.stringify({ type: 'state', state: { ...ground.honest(n), ...change } })
    const at = text.indexOf('"HERE"')
    return [text.slice(0, at), text.slice(at + '"HERE"'.length)]
  }
  const rule = JSON.stringify({
    verdict: 'deny',
    match: { peer: { kind: 'any' }, service: null },
    why: { rule: 'r', text: '' },
  })
  const list = `{"rules":[${Array(5_000).fill(rule).join(',')}],"otherwise":"deny","why":{"rule":"r","text":""}}`
  return [
    own('a million rules', /1000000 rules; this host takes at most/, (put, n) => {
      const [before, after] = around(n, { workloads: ['HERE'] })
      put(before)
      for (let i = 0; i < 100; i++) {
        const persona = '{"id":"x","name":"X","version":1}'
        put(
          `${i === 0 ? '' : ','}{"workload":"m${i}","key":"m${i}","persona":${persona},"egress":${list},"ingress":${list},"containment":null}`,
        )
      }
      put(after)
    }),
    own('a set of ten million', /it is longer than|must not have more than/, (put, n) => {
      const [before, after] = around(n, { sets: [{ name: 'many', members: ['HERE'] }] })
      put(before)
      for (let i = 0; i < 1_000; i++)
        put(
          `${i === 0 ? '' : ','}${Array.from({ length: 10_000 }, (_, j) => `"10.${i % 250}.${j % 250}.${(i + j) % 250}"`).join(',')}`,
        )
      put(after)
    }),
    own('a message longer than any', /it is longer than/, (put) => {
      for (let i = 0; i < 140; i++) put('x'.repeat(1 << 20))
    }),
    {
      name: 'a message that never ends',
      reason: /no whole message came within/,
      line: 'own',
      orders: () => [{ drip: '{"type":"bookmark","at":1', everyMs: 2_000 }],
    },
  ]
}
