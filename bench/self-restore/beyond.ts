/** Whoever is beyond the router, in a namespace of its own: answers every A query with its own address (RFC 1035). `node beyond.ts ADDRESS` */
import { createSocket } from 'node:dgram'

const address = process.argv[2]!
const socket = createSocket('udp4')
socket.on('message', (query, { address: to, port }) => {
  if (query.length < 17) return
  const end = query.indexOf(0, 12) + 5
  const isA = query.readUInt16BE(end - 4) === 1
  const header = Buffer.from(query.subarray(0, 12))
  header.writeUInt16BE(0x8180, 2)
  header.writeUInt16BE(isA ? 1 : 0, 6)
  header.fill(0, 8)
  // Its name is the question's: a pointer to byte 12.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split('.').map(Number)])
  socket.send(Buffer.concat([header, query.subarray(12, end), ...(isA ? [record] : [])]), port, to)
})
socket.bind(53, address, () => process.send?.('ready'))
process.on('disconnect', () => process.exit(0))
