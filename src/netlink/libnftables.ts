/**
 * libnftables in this process (libnftables(3), Debian: package libnftables1, which nftables brings): nft commands as
 * text come in, one transaction goes to the kernel of this process's network namespace, nft's own words come out. Runs
 * on a thread of libuv's pool, one call at a time. The context is kept from one small change to the next, because
 * freeing it closes its socket, and there the kernel waits until all that the last transaction removed is gone: 4 to
 * 18 ms (nf_tables_api.c, nft_rcv_nl_event). After a large one it is freed, with its copy of the table, on a thread.
 */
import type { KoffiFunc } from 'koffi'

export type Nftables = {
  /** Resolves with what nft printed. Throws what nft complained of. */
  run(text: string, output: 'text' | 'json'): Promise<string>
}

const OUTPUT_JSON = 1 << 4
const KEEP_BYTES = 64_000

type Library = {
  readonly create: (flags: number) => unknown
  readonly free: KoffiFunc<(context: unknown) => void>
  readonly bufferOutput: (context: unknown) => number
  readonly bufferError: (context: unknown) => number
  readonly flags: (context: unknown, flags: number) => void
  readonly output: (context: unknown) => string
  readonly error: (context: unknown) => string
  readonly command: KoffiFunc<(context: unknown, text: string) => number>
}

let opened: Promise<Nftables | null> | null = null

/** null where koffi or the library is missing. */
export function openNftables(): Promise<Nftables | null> {
  opened ??= load().then(
    (library) => serve(library),
    () => null,
  )
  return opened
}

async function load(): Promise<Library> {
  const { default: koffi } = await import('koffi')
  const library = koffi.load('libnftables.so.1')
  return {
    create: library.func('void *nft_ctx_new(uint32_t)'),
    free: library.func('void nft_ctx_free(void *)'),
    bufferOutput: library.func('int nft_ctx_buffer_output(void *)'),
    bufferError: library.func('int nft_ctx_buffer_error(void *)'),
    flags: library.func('void nft_ctx_output_set_flags(void *, uint)'),
    output: library.func('const char *nft_ctx_get_output_buffer(void *)'),
    error: library.func('const char *nft_ctx_get_error_buffer(void *)'),
    command: library.func('int nft_run_cmd_from_buffer(void *, const char *)'),
  }
}

function serve(library: Library): Nftables {
  let turn: Promise<unknown> = Promise.resolve()
  let kept: unknown = null
  const once = async (text: string, output: 'text' | 'json'): Promise<string> => {
    const context = output === 'text' && kept !== null ? kept : open(library, output)
    kept = null
    try {
      const said = await runIn(library, context, text)
      if (output === 'text' && text.length <= KEEP_BYTES) kept = context
      return said
    } finally {
      if (kept !== context) library.free.async(context, () => {})
    }
  }
  return {
    run(text, output) {
      const mine = turn.then(() => once(text, output))
      turn = mine.catch(() => {})
      return mine
    },
  }
}

function open(library: Library, output: 'text' | 'json'): unknown {
  const context = library.create(0)
  if (context === null) throw new Error('libnftables gave no context')
  if (library.bufferOutput(context) !== 0 || library.bufferError(context) !== 0)
    throw new Error('libnftables could not buffer what it says')
  if (output === 'json') library.flags(context, OUTPUT_JSON)
  return context
}

async function runIn(library: Library, context: unknown, text: string): Promise<string> {
  // A C string would end at the first NUL, and half a transaction is another one.
  if (text.includes('\0')) throw new Error('nft commands with a NUL byte in them')
  const code = await new Promise<number>((resolve, reject) => {
    library.command.async(context, text, (error: unknown, value: number) =>
      error === null || error === undefined ? resolve(value) : reject(error as Error),
    )
  })
  if (code !== 0) throw new Error(library.error(context).trim().slice(0, 600))
  return library.output(context)
}
