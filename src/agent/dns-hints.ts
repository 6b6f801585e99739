/** An answer that the kernel copied to us, as a batch that holds nothing but its hint: for detectors that look at names. */
import { createFlowBatch, type FlowBatch, Proto } from '../model/flow.ts'
import type { LoggedAnswer } from '../observe/nflog/answers.ts'

export function hintBatch({ asker, askerPort, resolver, query, type, code }: LoggedAnswer, at: number): FlowBatch {
  const batch = createFlowBatch(1)
  const ends = { source: asker, target: resolver, sourcePort: askerPort, targetPort: 53, proto: Proto.udp }
  batch.hints.push({ kind: 'dns', at, ...ends, query, type, code, answers: [], answeredMs: -1 })
  return batch
}
