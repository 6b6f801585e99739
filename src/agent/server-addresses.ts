/** Where the server is reached: what a plan must not cut off, and whose address nobody is given. Names are asked again now and then. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { isLoopback } from '../enforce/floor-judge.ts'
import { parseAddress } from '../model/address.ts'
import type { Server } from './link.ts'

export type Endpoint = { readonly address: string; readonly port: number }

const AGAIN_MS = 60_000
const MAX_ADDRESSES = 16

/** Empty for a server of this very host: no rule of ours stands between. */
export function watchAddresses(server: Server, signal: AbortSignal): { readonly endpoints: readonly Endpoint[] } {
  const known: { endpoints: readonly Endpoint[] } = { endpoints: [] }
  if ('socket' in server) return known
  const host = server.url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(server.url.port) || 443
  const take = (addresses: readonly string[]) => {
    known.endpoints = addresses
      .filter((address) => {
        const words = parseAddress(address)
        return words !== null && !isLoopback(words)
      })
      .slice(0, MAX_ADDRESSES)
      .map((address) => ({ address, port }))
  }
  if (isIP(host) !== 0) take([host])
  else void ask()
  return known

  async function ask(): Promise<void> {
    while (!signal.aborted) {
      // A name that cannot be looked up now keeps the addresses it had.
      await lookup(host, { all: true }).then(
        (found) => take(found.map(({ address }) => address)),
        () => {},
      )
      await wait(AGAIN_MS, undefined, { signal, ref: false }).catch(() => {})
    }
  }
}
