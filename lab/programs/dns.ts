/** The lab's name server, on UDP, on both its addresses. */
import { createSocket } from 'node:dgram'
import { answerTo, type Zone } from './dns-answer.ts'
import { readParameters, sayReady } from './parameters.ts'

const own = readParameters<Zone & { listen: string[] }>()

let bound = 0
for (const address of own.listen) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (packet, from) => {
    const answer = answerTo(own, packet)
    if (answer) socket.send(answer, from.port, from.address)
  })
  socket.on('error', (error) => console.error(String(error)))
  socket.bind(53, address, () => {
    if (++bound === own.listen.length) sayReady(own)
  })
}
