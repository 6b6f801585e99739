/** The seam of a datagram socket: whoever reads asks for what has come; the kernel waits with the rest, up to its buffer. */

/** `sender` is four words (model/address.ts), lent like the bytes: valid during the call. */
export type Visit = (bytes: Buffer, from: number, to: number, sender: Uint32Array) => void

export type Wire = {
  readonly kind: 'recvmmsg' | 'dgram'
  readonly port: number
  /** As the kernel counts it, bookkeeping included. */
  readonly bufferBytes: number
  /** Datagrams the kernel had no room for, since it was opened. */
  readonly dropped: number
  /** Some of what has come; `isEmpty` when that was all of it. */
  drain(visit: Visit): { readonly datagrams: number; readonly isEmpty: boolean }
  close(): void
}

export type WireOptions = {
  readonly address: string
  /** 0 = any free one. */
  readonly port: number
  readonly bufferBytes: number
}
