/** A JSON API in front of a database: each request is answered after a real query (or two), sometimes from memory. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import pg from 'pg'
import { createKeyValueClient, type KeyValueClient } from './kv-client.ts'
import { between, logNormal, randomOf, readParameters, resolveName, sayReady } from './parameters.ts'

const own = readParameters<{
  port: number
  /** Name and port of its database; none = a pure in-memory service. */
  database?: { name: string; port: number; engine?: 'postgres' | 'kv' }
  /** Connections are kept this long when unused. */
  poolIdleMs: number
  /** Median bytes of an answer. */
  answerBytes: number
}>()
const random = randomOf(own)
let pool: Promise<pg.Pool> | undefined
let store: KeyValueClient | undefined

async function connectPool(name: string, port: number): Promise<pg.Pool> {
  const host = await resolveName(name, random)
  const made = new pg.Pool({
    host,
    port,
    user: 'lab',
    database: 'postgres',
    max: 4,
    idleTimeoutMillis: own.poolIdleMs,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  })
  // A connection the policy cut is dropped by the pool; without a listener it would end the process.
  made.on('error', (error) => console.error(String(error)))
  return made
}

async function queryRows(): Promise<unknown[]> {
  if (!own.database) return []
  const { name, port, engine } = own.database
  if (engine === 'kv') {
    store ??= createKeyValueClient(await resolveName(name, random), port, own.poolIdleMs)
    const keys = Array.from(
      { length: 1 + Math.floor(random() * 4) },
      (_, i) => `${random() < 0.2 ? 'set' : 'get'} key${i}`,
    )
    return [await store.ask(keys)]
  }
  pool ??= connectPool(name, port)
  const connected = await pool.catch((error) => {
    pool = undefined
    throw error
  })
  const from = Math.floor(between(random, 1, 900))
  const answer = await connected.query('select id, name, price, note from item where id between $1 and $2', [
    from,
    from + Math.floor(between(random, 1, 30)),
  ])
  if (random() < 0.1) await connected.query('update item set price = price + 1 where id = $1', [from])
  return answer.rows
}

createServer(async (request, response) => {
  request.resume()
  // An upload is answered once it is all there.
  if (request.method === 'POST') await once(request, 'end').catch(() => {})
  try {
    const rows = await queryRows()
    const filler = 'x'.repeat(Math.min(200_000, Math.floor(logNormal(random, own.answerBytes, 0.7))))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ rows, filler }))
  } catch (error) {
    response.writeHead(503, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: String(error) }))
  }
}).listen(own.port, '::', () => sayReady(own))
