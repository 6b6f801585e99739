/** What Node.js has of the WebAssembly JavaScript interface (W3C 2.0, §5) and its types do not tell: as much as is used here. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
    private readonly module: true
  }
  class Instance {
    constructor(module: Module)
    readonly exports: unknown
  }
  interface Memory {
    readonly buffer: ArrayBuffer
    /** By so many pages of 64 kB; arrays over what the memory was are empty afterwards. */
    grow(pages: number): number
  }
}
