/** Knocks at ADDRESS:PORT… again and again from the namespace it runs in, and tells what its socket was told: how far it is, no proof. */
import { connect } from 'node:net'

/** `told`: `connect`, an error's code, or nothing in time. `at`: when it knocked, epoch ms. */
export type Knocked = { readonly target: string; readonly told: string; readonly at: number }

const EVERY_MS = 250
const WITHIN_MS = 1_500

function knock(target: string): void {
  const [host, port] = target.split(':')
  const at = Date.now()
  const socket = connect({ host: host!, port: Number(port) })
  let isOver = false
  const over = (told: string) => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    socket.destroy()
    process.send?.({ target, told, at } satisfies Knocked)
    setTimeout(() => knock(target), EVERY_MS)
  }
  const timer = setTimeout(() => over('nothing'), WITHIN_MS)
  socket.on('connect', () => over('connect'))
  socket.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message))
}

for (const target of process.argv.slice(2)) knock(target)
process.on('disconnect', () => process.exit(0))
