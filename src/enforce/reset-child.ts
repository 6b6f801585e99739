/**
 * Started by reset-sockets.ts in the namespace of a workload: a JSON list of the sockets to end comes in on stdin, how many
 * it ended goes out.
 */
import { readFileSync } from 'node:fs'
import { formatAddress } from '../model/address.ts'
import { destroySockets } from '../netlink/sock-destroy.ts'

const wanted = new Set(JSON.parse(readFileSync(0, 'utf8')) as string[])
const ended = destroySockets(({ protocol, local, localPort, peer, peerPort }) =>
  wanted.has(`${protocol} ${formatAddress(local)} ${localPort} ${formatAddress(peer)} ${peerPort}`),
)
process.stdout.write(`${ended}\n`)
