/**
 * Capture files as they stream in, pcap and pcapng: chunks of bytes come in, one call per packet goes out. Every length is
 * checked before it is believed; memory is one record plus one chunk. The two formats are in `pcap-records.ts` and
 * `pcapng-blocks.ts`.
 */
import { DecodeError, Reader } from '../reader.ts'
import { isPcap, pcapRecords } from './pcap-records.ts'
import { isPcapng, pcapngBlocks } from './pcapng-blocks.ts'

export type CaptureSink = {
  /** `reader` stands on the captured bytes of one packet. `cutBytes`: how many more were on the wire. */
  packet(reader: Reader, timeMs: number, linkType: number, cutBytes: number): void
  /** One record that is no packet or cannot be one; the records after it are read on. */
  refused(why: string, offset: number): void
}

export type Capture = {
  /** Throws `DecodeError` when nothing after this place can be trusted; `offset` counts from the start of the file. */
  push(chunk: Uint8Array): void
  /** At the end of the file: the rest that is no whole record, `null` when the file ended where it should. */
  end(): string | null
}

/** What a format reads from: bytes that are there so far, and a way to leave some behind unread. */
export type CaptureInput = {
  readonly reader: Reader
  readonly sink: CaptureSink
  /** Where in the file the byte at `at` of the reader's memory lies. */
  placeOf(at: number): number
  /** Steps over bytes that need not be held. */
  skip(bytes: number): void
  /** Throws: the file makes no sense from here on. */
  fail(why: string): never
}

/** Reads one record, or asks for more bytes and has read nothing. */
export type ReadRecord = () => 'more' | 'done'

const MAGIC_BYTES = 24

export function createCapture(sink: CaptureSink): Capture {
  const reader = new Reader()
  let rest: Uint8Array = new Uint8Array(0)
  let restFrom = 0
  let fileOffset = 0
  let skipBytes = 0
  let read: ReadRecord | null = null

  const placeOf = (at: number) => fileOffset + at
  const input: CaptureInput = {
    reader,
    sink,
    placeOf,
    skip(bytes) {
      skipBytes = bytes
    },
    fail(why) {
      throw new DecodeError(why, placeOf(reader.at))
    },
  }
  const begin = (): ReadRecord => {
    if (isPcapng(reader)) return pcapngBlocks(input)
    return isPcap(reader) ? pcapRecords(input) : input.fail('neither pcap nor pcapng: no such magic number')
  }
  const run = () => {
    for (;;) {
      const step = Math.min(skipBytes, reader.left)
      reader.skip(step)
      skipBytes -= step
      if (reader.left === 0) return
      if (read === null && reader.left < MAGIC_BYTES) return
      read ??= begin()
      if (read() === 'more') return
    }
  }
  return {
    push(chunk) {
      const left = rest.length - restFrom
      let bytes = chunk
      if (left > 0) {
        bytes = new Uint8Array(left + chunk.length)
        bytes.set(rest.subarray(restFrom))
        bytes.set(chunk, left)
      }
      reader.reset(bytes)
      run()
      fileOffset += reader.at
      rest = bytes
      restFrom = reader.at
    },
    end() {
      const left = rest.length - restFrom
      if (read === null) return left === 0 ? 'an empty file' : 'shorter than the header of a capture'
      if (skipBytes > 0) return `ends ${skipBytes} bytes before its last block does`
      return left === 0 ? null : `ends inside a record: its last ${left} bytes are no whole one`
    },
  }
}
