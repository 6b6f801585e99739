/** sock_diag of another network namespace: its socket is made there and read from here, without a process of its own. */
import type { Outcome } from '../../model/why.ts'
import { inNetwork } from '../../netlink/in-network.ts'
import { openSockDiag, readSockets, type SocketSum } from './sock-diag.ts'

/** Where iproute2 keeps named namespaces, and the ones of processes; nothing else is entered. */
const NETNS = /^(?:\/var)?\/run\/netns\/[A-Za-z0-9_.-]{1,64}$|^\/proc\/\d{1,10}\/ns\/net$/

export async function sockDiagIn(netnsPath: string): Promise<Outcome<readonly SocketSum[]>> {
  if (!NETNS.test(netnsPath) || netnsPath.includes('..'))
    return refusal('not the path of a network namespace', 'Give /run/netns/NAME or /proc/PID/ns/net.')
  try {
    using socket = inNetwork(netnsPath, openSockDiag)
    return { ok: true, value: await readSockets(socket) }
  } catch (error) {
    const why = `reading the sockets of ${netnsPath} failed: ${(error as Error).message}`
    return refusal(why, 'Run as root, and see with ip netns list that the namespace is there.')
  }
}

const refusal = (why: string, cure: string) => ({ ok: false, code: 'no-sock-diag', why, cure }) as const
