/** What the worker makes of a process that was taken over. With the real one: `link-apart.kernel.test.ts`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Server } from './link.ts'
import { createLinkApart } from './link-apart.ts'
import type { FrameKind } from './link-frames.ts'

const folder = mkdtempSync(join(tmpdir(), 'guise-link-apart-'))
after(() => rmSync(folder, { recursive: true }))
const server = { url: new URL('https://127.0.0.1:1'), ca: 'none' } as Extract<Server, { readonly url: URL }>

/** A process that answers whatever it is asked with that, and then stays. */
function answering(kind: FrameKind, body: string) {
  const path = join(folder, `${kind}${Math.random()}.mjs`)
  const text = `
import { Socket } from 'node:net'
import { createFrameReader, encodeFrame } from ${JSON.stringify(new URL('./link-frames.ts', import.meta.url).href)}
const pipe = new Socket({ fd: 3, readable: true, writable: true })
const body = Buffer.from(${JSON.stringify(body)})
const take = createFrameReader(({ id }) => void pipe.write(encodeFrame({ kind: ${JSON.stringify(kind)}, id, body })))
pipe.on('data', take)
pipe.on('error', () => process.exit(0))
pipe.on('close', () => process.exit(0))
`
  writeFileSync(path, text)
  return createLinkApart(
    () => {},
    () => [process.execPath, ['--disable-warning=ExperimentalWarning', path]],
  )
}

test('an answer that is none ends the process that gave it, and nothing else', async () => {
  for (const [kind, body] of [
    ['answer', '{'],
    ['answer', 'null'],
    ['failed', 'null'],
    ['counted', '{}'],
  ] as const) {
    const apart = answering(kind, body)
    await assert.rejects(
      apart.link(server, () => null).post('/', ''),
      /the link said what it may not say/,
      `${kind} ${body}`,
    )
    // Asked again, it is another process.
    await assert.rejects(apart.link(server, () => null).probe(), /the link (?:said|ended)/)
    if (apart.pid !== null) process.kill(apart.pid, 'SIGKILL')
  }
})

test('a line about nothing ends the process, and it is started again', async () => {
  for (const [kind, body] of [
    ['refused', '['],
    ['counted', '{"reconnects":"many"}'],
    ['answer', '{}'],
  ] as const) {
    const apart = answering(kind, body)
    const leaving = new AbortController()
    const said: string[] = []
    const ears = {
      line: () => {},
      refused: () => assert.fail('that was no refusal'),
      say(line: string) {
        said.push(line)
        leaving.abort()
      },
    }
    await apart.link(server, () => null).lines('/', ears, leaving.signal)
    assert.deepEqual(said, ['the link ended; it is started again'])
    if (apart.pid !== null) process.kill(apart.pid, 'SIGKILL')
  }
})
