/** What a program or a kernel module needs beside itself, read from its own bytes: Debian's package of it says less. */

const PT_DYNAMIC = 2
const PT_LOAD = 1
const DT_NEEDED = 1n
const DT_STRTAB = 5n

/** Names of shared libraries (elf(5), 64 bits, little endian). None for what is no such program. */
export function neededLibraries(bytes: Buffer): string[] {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2) return []
  const segments = programHeaders(bytes)
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  if (dynamic === undefined) return []
  const needed: bigint[] = []
  let table = 0n
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.size; at += 16) {
    const tag = bytes.readBigInt64LE(at)
    if (tag === DT_NEEDED) needed.push(bytes.readBigUInt64LE(at + 8))
    else if (tag === DT_STRTAB) table = bytes.readBigUInt64LE(at + 8)
  }
  const home = segments.find(
    (one) => one.type === PT_LOAD && table >= one.address && table < one.address + BigInt(one.size),
  )
  if (home === undefined) return []
  const base = home.offset + Number(table - home.address)
  return needed.map((offset) => text(bytes, base + Number(offset)))
}

function programHeaders(bytes: Buffer) {
  const [start, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)]
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * size
    return {
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: bytes.readBigUInt64LE(at + 16),
      size: Number(bytes.readBigUInt64LE(at + 32)),
    }
  })
}

/** `depends=` of a module's .modinfo (modinfo(8)): names of modules, `_` for `-`. */
export function neededModules(bytes: Buffer): string[] {
  const at = bytes.indexOf('\0depends=')
  if (at < 0) return []
  return text(bytes, at + '\0depends='.length)
    .split(',')
    .filter((name) => name !== '')
}

function text(bytes: Buffer, at: number): string {
  return bytes.toString('utf8', at, bytes.indexOf(0, at))
}
