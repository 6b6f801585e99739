/** What the kernel logs for us: refused packets, and answers of resolvers as they pass. */
import { SPOOFED } from '../compile/base.ts'
import { ANSWER_LOG_GROUP, LOG_GROUP, TRUSTED, WATCHED } from '../compile/chains.ts'
import { formatAddress } from '../model/address.ts'
import type { LoggedAnswer } from '../observe/nflog/answers.ts'
import { type LogCounters, listenToAnswers, listenToLog } from '../observe/nflog/listen.ts'
import type { DenialBook } from './denials.ts'
import type { DeviceWatch } from './devices.ts'
import { hintBatch } from './dns-hints.ts'
import { prefixed, type Sense } from './sense.ts'

export type KernelLogs = { readonly counters: Readonly<Record<string, number>>; listen(signal: AbortSignal): void }

export function createKernelLogs(options: {
  readonly denials: DenialBook
  readonly sense: Sense
  readonly devices: () => DeviceWatch | null
  readonly ruleOf: (prefix: string) => string
  /** Something was refused that was not told yet. */
  readonly news: () => void
  readonly say: (line: string) => void
  readonly clock: () => number
}): KernelLogs {
  const { denials, sense, devices, ruleOf, news, say, clock } = options
  const log: LogCounters = { read: 0, unread: 0, lost: 0 }
  const answers: LogCounters = { read: 0, unread: 0, lost: 0 }
  const failed = (error: Error) => say(error.message)
  return {
    get counters() {
      return { ...prefixed('nflog', { ...log, ...denials.counters }), ...prefixed('answers', answers) }
    },
    listen(signal) {
      // Denies are counted without it: what it adds is which flow, so its failure is told and nothing waits for it.
      listenToLog(LOG_GROUP, {
        signal,
        counters: log,
        logged(packet) {
          if (denials.add(packet, clock())) news()
          const { source, target, targetPort: port, prefix } = packet
          const ends = { from: formatAddress(source), to: formatAddress(target), port }
          sense.refused({ ...ends, rule: ruleOf(prefix), at: packet.at ?? clock() })
          // Maybe a new address of a device: then the link says so, and its next packet passes.
          if (prefix === SPOOFED) devices()?.suspect(source)
        },
      }).catch(failed)
      // Without it, names in rules stand for nobody.
      listenToAnswers(ANSWER_LOG_GROUP, {
        signal,
        counters: answers,
        logged(answer: LoggedAnswer) {
          if (answer.prefix === TRUSTED) sense.learned.learn(answer, clock())
          else if (answer.prefix === WATCHED) sense.take(hintBatch(answer, clock()))
        },
      }).catch(failed)
    },
  }
}
