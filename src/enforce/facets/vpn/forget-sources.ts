/**
 * A tunnel whose workload changes its address comes in; afterwards its next packet leaves from the new one. wireguard-go keeps
 * the source that a peer was last answered from, and falls silent when that address is gone; naming the peer's endpoint again
 * makes it ask the routes anew. Sessions go on. `node:` only.
 */
import { existsSync } from 'node:fs'
import { effect } from '../../fault.ts'
import { deviceName, type Spot } from './engine.ts'
import { getDevice, hexOf, setDevice, socketOf } from './uapi.ts'

/** Never throws: who has no tunnel has no sources to forget. */
export async function forgetSources(spot: Spot): Promise<void> {
  const name = deviceName(spot)
  if (!existsSync(socketOf(name))) return
  try {
    const { peers } = await getDevice(name)
    const lines = peers.flatMap(({ publicKey, endpoint }) =>
      endpoint === null ? [] : [`public_key=${hexOf(publicKey)}`, `endpoint=${endpoint}`],
    )
    await effect('vpn source', () => setDevice(name, lines))
  } catch {
    // Its engine is on its way out.
  }
}
