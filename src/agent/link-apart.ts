/**
 * The worker's end of the link to a server elsewhere: the same `Link`, but TLS and HTTP happen in a process without
 * privileges (`link-process.ts`). Every line it hands over is read here as if it came from the network itself. A process that
 * dies is a connection lost: it is started again by whoever asks next.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { plainText } from '../model/plain-text.ts'
import type { Ears, Link, LinkLimits, Server } from './link.ts'
import { createFrameReader, encodeFrame, type Frame, joinAsk } from './link-frames.ts'
import type { Ask, To } from './link-process.ts'
import { hearLines } from './message.ts'
import { type Contact, ServerRefused } from './pin.ts'

export type LinkApart = {
  /** Of the process there is now, for tests and for people. */
  readonly pid: number | null
  readonly contact: Contact
  link(server: Extract<Server, { readonly url: URL }>, token: () => string | null, limits?: LinkLimits): Link
}

type Handler = (frame: Frame | null) => void
type Running = { readonly child: ChildProcess; readonly pipe: Duplex }

const MODULE = new URL('./link-process.ts', import.meta.url).pathname
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv']

/** What that process may say. It is the one that strangers talk to: whatever else it says ends it, and nothing of ours. */
const isAnswer = {
  post: Compile(Type.Object({ status: Type.Integer(), text: Type.String() })),
  probe: Compile(Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() })),
  authority: Compile(Type.String()),
  prove: Compile(Type.Null()),
}
const isFailure = Compile(Type.Object({ message: Type.String(), isFinal: Type.Boolean() }))
const isUnread = Compile(Type.Object({ reason: Type.String(), pointer: Type.String() }))
const isCount = Compile(Type.Object({ reconnects: Type.Number() }))

/** `argv`: how the process is started. */
export function createLinkApart(say: (line: string) => void, argv: () => [string, string[]] = argvOf): LinkApart {
  let running: Running | null = null
  let last = 0
  const handlers = new Map<number, Handler>()

  const start = (): Running => {
    const child = spawn(...argv(), { stdio: ['ignore', 'ignore', 'inherit', 'pipe'], env: {} })
    const pipe = child.stdio[3] as Duplex
    const mine = { child, pipe }
    const over = () => {
      if (running !== mine) return
      running = null
      const waiting = [...handlers.values()]
      handlers.clear()
      for (const handler of waiting) handler(null)
    }
    const take = createFrameReader((frame) => handlers.get(frame.id)?.(frame))
    pipe.on('data', (chunk: Buffer) => {
      if (!take(chunk)) child.kill('SIGKILL')
    })
    pipe.on('error', () => {})
    child.on('error', (error) => {
      say(`the link did not start: ${error.message}`)
      over()
    })
    child.on('exit', over)
    return mine
  }
  const ask = (question: Ask, rest: string, handler: Handler): number => {
    running ??= start()
    const id = ++last
    handlers.set(id, handler)
    running.pipe.write(encodeFrame({ kind: 'ask', id, body: joinAsk(question, rest) }))
    return id
  }
  const endProcess = () => void running?.child.kill('SIGKILL')
  const answer = (question: Exclude<Ask, { readonly op: 'lines' }>, rest = ''): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ask(question, rest, (frame) => {
        handlers.delete(id)
        if (frame === null) return reject(new Error('the link ended'))
        const body = jsonOf(frame)
        if (frame.kind === 'answer' && isAnswer[question.op].Check(body)) return resolve(body)
        if (frame.kind === 'failed' && isFailure.Check(body)) {
          const text = plainText(body.message, 600)
          return reject(body.isFinal ? new ServerRefused(text) : new Error(text))
        }
        reject(new Error('the link said what it may not say'))
        endProcess()
      })
    })

  return {
    get pid() {
      return running?.child.pid ?? null
    },
    contact: {
      findAuthority: async (url, fingerprint) =>
        (await answer({ op: 'authority', url: url.href, fingerprint })) as string,
      prove: async (url, ca) => void (await answer({ op: 'prove', url: url.href, ca })),
    },
    link(server, token, limits) {
      if (server.ca === null) throw new Error(`talk to ${server.url.origin}: its CA is not pinned`)
      const { url, ca } = { url: server.url.href, ca: server.ca }
      const to = (): To => ({ url, ca, bearer: token(), limits: limits ?? null })
      const counters = { badMessages: 0, reconnects: 0 }
      /** Of processes that are gone, and of the one there is. */
      const counted = { before: 0, now: 0 }

      const once = (path: string, ears: Ears, signal: AbortSignal): Promise<void> =>
        new Promise((resolve) => {
          const end = () => {
            signal.removeEventListener('abort', stop)
            handlers.delete(id)
            counted.before += counted.now
            counted.now = 0
            resolve()
          }
          const stop = () => running?.pipe.write(encodeFrame({ kind: 'stop', id, body: Buffer.alloc(0) }))
          const id = ask({ op: 'lines', to: to(), path }, '', (frame) => {
            if (frame === null || frame.kind === 'ended' || frame.kind === 'failed') return end()
            if (frame.kind === 'line') return ears.line(frame.body.toString('utf8'))
            if (frame.kind === 'said') return ears.say(plainText(frame.body.toString('utf8'), 600))
            const body = jsonOf(frame)
            if (frame.kind === 'refused' && isUnread.Check(body)) {
              counters.badMessages++
              return ears.refused({ reason: plainText(body.reason, 300), pointer: plainText(body.pointer, 300) })
            }
            if (frame.kind !== 'counted' || !isCount.Check(body)) return endProcess()
            counted.now = body.reconnects
            counters.reconnects = counted.before + counted.now
          })
          signal.addEventListener('abort', stop, { once: true })
        })
      const lines: Link['lines'] = async (path, ears, signal) => {
        while (!signal.aborted) {
          await once(path, ears, signal)
          if (signal.aborted) return
          ears.say('the link ended; it is started again')
          await wait(200 + Math.random() * 800, undefined, { signal }).catch(() => {})
        }
      }
      return {
        counters,
        post: async (path, body) => (await answer({ op: 'post', to: to(), path }, body)) as never,
        probe: async () => (await answer({ op: 'probe', to: to() })) as never,
        lines,
        listen: (path, heard, signal, tell, refused = () => {}) =>
          lines(
            path,
            hearLines(heard, tell, refused, () => void counters.badMessages++),
            signal,
          ),
      }
    },
  }
}

/** Undefined when it is none. */
function jsonOf(frame: Frame): unknown {
  try {
    return JSON.parse(frame.body.toString('utf8'))
  } catch {
    return undefined
  }
}

/**
 * `--permission` takes away files to write, programs to run and threads; setpriv(1), where it is, takes away what could be
 * won back: every capability but the two it needs to become somebody else, and new privileges by execve(2).
 */
function argvOf(): [string, string[]] {
  const { uid, gid } = linkUser()
  const node = [process.execPath, '--permission', '--allow-fs-read=*', '--disable-warning=ExperimentalWarning']
  const argv = [...node, MODULE, String(uid), String(gid)]
  const setpriv = SETPRIV.find(isThere)
  if (setpriv === undefined) return [argv[0]!, argv.slice(1)]
  return [setpriv, ['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all,+setuid,+setgid', ...argv]]
}

/** `guise` when it exists (bin/setup adds it), else nobody: as the server does. */
function linkUser(): { readonly uid: number; readonly gid: number } {
  const entries = readFileSync('/etc/passwd', 'utf8').split('\n')
  const fields = entries.map((line) => line.split(':')).find(([name]) => name === 'guise')
  const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])]
  return uid > 0 && gid > 0 ? { uid, gid } : { uid: 65_534, gid: 65_534 }
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
