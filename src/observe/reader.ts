/**
 * The one place where a decoder's bounds are checked. Bytes of strangers come in, numbers go out, network order unless
 * said otherwise; reading past the end throws a `DecodeError` with the place, and nothing else. On hot paths `need(n)`
 * checks a whole record once, and `view` is read directly behind it.
 */
export class DecodeError extends Error {
  /** Byte offset from the start of what was given to the reader. */
  readonly offset: number
  constructor(why: string, offset: number) {
    super(why)
    this.name = 'DecodeError'
    this.offset = offset
  }
}

const EMPTY = new Uint8Array(0)
const EMPTY_VIEW = new DataView(EMPTY.buffer)

export class Reader {
  bytes: Uint8Array = EMPTY
  view: DataView = EMPTY_VIEW
  /** Next byte to read; `start ≤ at ≤ end` always. */
  at = 0
  start = 0
  end = 0

  /** Reads `bytes[from, to)`. The same memory given again keeps its view: receive buffers are reused. */
  reset(bytes: Uint8Array, from = 0, to = bytes.length): this {
    if (from < 0 || to < from || to > bytes.length)
      throw new RangeError(`no range of ${bytes.length} bytes: ${from}–${to}`)
    if (bytes !== this.bytes) {
      this.bytes = bytes
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    this.start = from
    this.at = from
    this.end = to
    return this
  }

  get left(): number {
    return this.end - this.at
  }

  fail(why: string): never {
    throw new DecodeError(why, this.at - this.start)
  }

  /** The offset of `n` bytes that are there, passed over. */
  need(n: number, what = 'bytes'): number {
    if (!(n >= 0) || this.end - this.at < n) this.fail(`cut short: ${n} ${what} wanted, ${this.end - this.at} left`)
    const at = this.at
    this.at = at + n
    return at
  }

  u8(): number {
    return this.view.getUint8(this.need(1))
  }
  u16(): number {
    return this.view.getUint16(this.need(2))
  }
  u24(): number {
    const at = this.need(3)
    return (this.view.getUint16(at) << 8) | this.view.getUint8(at + 2)
  }
  u32(): number {
    return this.view.getUint32(this.need(4))
  }
  /** As a double: exact to 2⁵³, rounded above. */
  u64(): number {
    const at = this.need(8)
    return this.view.getUint32(at) * 4_294_967_296 + this.view.getUint32(at + 4)
  }
  /** Any width from 0 to 8 bytes (reduced-size encoding, RFC 7011 §6.2). */
  uint(width: number): number {
    if (width > 8) this.fail(`an integer of ${width} bytes`)
    const at = this.need(width)
    let value = 0
    for (let i = 0; i < width; i++) value = value * 256 + this.bytes[at + i]!
    return value
  }
  skip(n: number): void {
    this.need(n)
  }
  /** A window onto the same memory: copy it to keep it. */
  take(n: number): Uint8Array {
    const at = this.need(n)
    return this.bytes.subarray(at, at + n)
  }
  /** Each byte one character, as it is: hand it to `plainText` before anybody sees it. */
  latin1(n: number): string {
    const at = this.need(n)
    let text = ''
    for (let i = at; i < at + n; i++) text += String.fromCharCode(this.bytes[i]!)
    return text
  }
  /** A reader of the next `n` bytes; this one goes on behind them. */
  sub(n: number): Reader {
    const at = this.need(n)
    const inner = new Reader()
    inner.bytes = this.bytes
    inner.view = this.view
    inner.start = at
    inner.at = at
    inner.end = at + n
    return inner
  }
}
