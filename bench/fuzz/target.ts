/** One decoder under fuzz: how it is fed, what real input looks like, and how an input of a given size is made. */
export type FuzzTarget = {
  readonly name: string
  /** Real inputs, which are mutated; made up by hand where the data sets are not there. At least one. */
  samples(): readonly Uint8Array[]
  /**
   * A decoder in its own state: feeds it one input, which may be refused by a counter or a `DecodeError` and by nothing
   * else. The same decoder is fed all inputs, so what it keeps must be bounded.
   */
  open(): (input: Uint8Array) => void
  /** Inputs of about `bytes` bytes that make the decoder work hardest, by name: its time must grow no faster than they. */
  readonly growing: Readonly<Record<string, (bytes: number) => Uint8Array>>
  /** Biggest input there can be; 65,535 if not said. */
  readonly maxBytes?: number
}
