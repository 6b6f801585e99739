/**
 * Three ends of a test about names, each a process in a namespace of its own: `resolve ADDRESS` answers every question with
 * ADDRESS, `learn STATE` keeps the sets of the state that is JSON there, `ask SERVER NAME` asks once. What happened is told
 * line by line.
 */
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { ANSWER_LOG_GROUP, TRUSTED } from '../compile/chains.ts'
import { createLearnedSets } from '../enforce/learned.ts'
import { load } from '../enforce/load.ts'
import type { AgentState } from '../model/desired.ts'
import { createNetworks } from '../model/networks.ts'
import { listenToAnswers } from '../observe/nflog/listen.ts'

const say = (text: string) => void process.stdout.write(`${text}\n`)

/** The question as it came, and one address for it (RFC 1035 §4.1). */
function answerTo(query: Buffer, address: string): Buffer {
  const end = query.indexOf(0, 12) + 5
  const head = Buffer.from(query.subarray(0, end))
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(1, 6)
  head.writeUInt16BE(0, 10)
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split('.').map(Number)]
  return Buffer.concat([head, Buffer.from(record)])
}

async function main([role, first = '', second = '']: readonly string[]): Promise<void> {
  if (role === 'resolve') {
    const server = createSocket('udp4')
    server.on('message', (query, from) => server.send(answerTo(query, first), from.port, from.address))
    server.bind(53, () => say('ready'))
  } else if (role === 'ask') {
    const resolver = new Resolver({ timeout: 2_000, tries: 2 })
    resolver.setServers([first])
    say((await resolver.resolve4(second)).join())
  } else {
    const state = JSON.parse(first) as AgentState
    const none = createNetworks([])
    const sets = createLearnedSets({
      inForce: () => state,
      neverBlock: () => none,
      homeNetworks: () => none,
      load,
      say,
    })
    const listening = listenToAnswers(ANSWER_LOG_GROUP, {
      signal: new AbortController().signal,
      counters: { read: 0, unread: 0, lost: 0 },
      logged(answer) {
        if (answer.prefix === TRUSTED) sets.learn(answer, Date.now())
        void sets.settled().then(() => say(`heard ${answer.query}`))
      },
    })
    // Bound by then: the request goes out before the first read.
    setImmediate(() => say('ready'))
    await listening
  }
}

await main(process.argv.slice(2))
