/** Asks a key-value store a few things over one connection, kept for a while as drivers do. */
import { connect, type Socket } from 'node:net'

export type KeyValueClient = { ask(commands: readonly string[]): Promise<number> }

export function createKeyValueClient(address: string, port: number, keptMs: number): KeyValueClient {
  let socket: Socket | undefined
  const open = () => {
    if (socket && !socket.destroyed) return socket
    const made = connect({ host: address, port })
    made.setTimeout(Math.max(200, keptMs), () => made.destroy())
    made.on('error', () => made.destroy())
    socket = made
    return made
  }
  return {
    ask: (commands) =>
      new Promise((resolve, reject) => {
        const line = open()
        let answers = 0
        const onData = (chunk: Buffer) => {
          for (const byte of chunk) if (byte === 10) answers++
          if (answers >= commands.length) settle(() => resolve(answers))
        }
        const onClose = () => settle(() => reject(new Error(`${address}:${port} closed the connection`)))
        const settle = (then: () => void) => {
          line.off('data', onData)
          line.off('close', onClose)
          then()
        }
        line.on('data', onData)
        line.on('close', onClose)
        line.write(`${commands.join('\n')}\n`)
      }),
  }
}
