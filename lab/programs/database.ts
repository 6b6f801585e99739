/** A real PostgreSQL in the namespace, on all its addresses, as an unprivileged user; this process only looks after it. */
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import pg from 'pg'
import { findPostgres, unprivilegedUser } from '../postgres.ts'
import { pause, readParameters, sayReady } from './parameters.ts'

const own = readParameters<{ port: number; data: string }>()
const { bin, env } = findPostgres(own.data)
const user = unprivilegedUser()
const as = user ? { uid: user.uid, gid: user.gid } : {}

function run(command: string, argv: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, argv, { ...as, env, cwd: own.data, stdio: ['ignore', 'ignore', 'inherit'] })
    child.on('error', reject)
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))))
  })
}

mkdirSync(own.data, { recursive: true })
if (user) chownSync(own.data, user.uid, user.gid)
chmodSync(own.data, 0o700)
const cluster = `${own.data}/cluster`
await run(`${bin}/initdb`, ['-D', cluster, '-U', 'lab', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'])

// Trust is right here only because nobody but the lab's namespaces can reach the address.
const settings = {
  listen_addresses: '*',
  port: own.port,
  unix_socket_directories: '',
  shared_buffers: '16MB',
  max_connections: 60,
  fsync: 'off',
  dynamic_shared_memory_type: 'mmap',
  autovacuum: 'off',
  log_min_messages: 'fatal',
}
const { appendFileSync } = await import('node:fs')
appendFileSync(`${cluster}/pg_hba.conf`, 'host all all 0.0.0.0/0 trust\nhost all all ::/0 trust\n')
const argv = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
const server = spawn(`${bin}/postgres`, ['-D', cluster, ...argv], {
  ...as,
  env,
  cwd: own.data,
  stdio: ['ignore', 'inherit', 'inherit'],
})
server.on('exit', (code) => process.exit(code ?? 1))
// Fast shutdown (SIGINT) even while clients are connected: this is how its shared memory is given back.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => server.kill('SIGINT'))

for (let attempt = 0; ; attempt++) {
  const client = new pg.Client({ host: '127.0.0.1', port: own.port, user: 'lab', database: 'postgres' })
  try {
    await client.connect()
    await client.query('create table item (id int primary key, name text, price int, note text)')
    await client.query(
      "insert into item select i, 'item ' || i, i * 3, repeat('n', 20 + i % 200) from generate_series(1, 1000) i",
    )
    await client.end()
    break
  } catch (error) {
    await client.end().catch(() => {})
    if (attempt > 100) throw error
    await pause(50)
  }
}
sayReady(own)
