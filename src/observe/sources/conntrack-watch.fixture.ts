/** Run by conntrack.test.ts inside its router namespace: every row of the source as a line of JSON, until stdin ends. Arguments: the host's own namespace, the size of the receive buffer. */
import { formatAddress } from '../../model/address.ts'
import { createConntrackSource, enableAccounting } from './conntrack.ts'

const accounting = enableAccounting({ spared: process.argv[2] ?? null })
if (!accounting.ok) throw new Error(accounting.why)
const abort = new AbortController()
process.stdin.on('end', () => abort.abort()).resume()
const source = createConntrackSource({ tickMs: 1_000, bufferBytes: Number(process.argv[3] ?? 1 << 22) })
process.stdout.write('ready\n')
for await (const batch of source.batches(abort.signal))
  for (let row = 0; row < batch.count; row++)
    process.stdout.write(
      `${JSON.stringify({
        phase: batch.phase[row],
        state: batch.state[row],
        marks: batch.marks[row],
        source: formatAddress(batch.source, row * 4),
        target: formatAddress(batch.target, row * 4),
        targetPort: batch.targetPort[row],
        out: batch.bytesOut[row],
        in: batch.bytesIn[row],
        lagMs: Date.now() - batch.start[row]!,
      })}\n`,
    )
process.stderr.write(`lost ${source.counters.lost}\n`)
