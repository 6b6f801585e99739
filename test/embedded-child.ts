/**
 * A server's life with its database, as a process that a test may kill. argv: home, and `hold`, `drop` (becomes the
 * service user) or a size such as `20m` (a disk that small is mounted on home; the mount is this process's own).
 */
import { execFileSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { serviceUser, startEmbedded } from '../src/store/embedded.ts'

const [home, mode] = process.argv.slice(2)
if (/^\d+m$/.test(mode!)) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mode},mode=0755`, 'guise', home!])
const database = await startEmbedded({ home: home!, log: { warn: (text) => console.error(text) } })
console.log(JSON.stringify({ url: database.url, pid: database.pid }))
if (mode === 'hold') setInterval(() => {}, 1_000)
if (mode === 'drop') {
  const user = serviceUser()!
  process.setgroups!([])
  process.setgid!(user.gid)
  process.setuid!(user.uid)
  const first = database.pid
  process.kill(first, 'SIGKILL')
  while (database.pid === first || !(await answers())) await delay(50)
  await database.stop()
  console.log(JSON.stringify({ uid: process.getuid!(), restarted: database.pid !== first }))
}

async function answers(): Promise<boolean> {
  const client = new pg.Client(database.url)
  client.on('error', () => {})
  return await client.connect().then(
    () => client.end().then(() => true),
    () => false,
  )
}
