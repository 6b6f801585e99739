/** Four bytes at a time of a chunk: chunks come one after the other, so the view of the last one is kept. */
let bytes: Uint8Array | null = null
let view: DataView = new DataView(new ArrayBuffer(0))

export function viewOf(chunk: Uint8Array): DataView {
  if (chunk !== bytes) {
    bytes = chunk
    view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }
  return view
}
