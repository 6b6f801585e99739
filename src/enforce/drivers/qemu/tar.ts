/** Small files come in, a tar archive goes out (POSIX.1-1988, ustar): so that many of them get into a guest by one program. */
export type TarEntry =
  | { readonly name: string; readonly text: string; readonly mode: number; readonly uid: number; readonly gid: number }
  | { readonly name: string; readonly folder: true; readonly mode: number }
  | { readonly name: string; readonly target: string }

const BLOCK = 512
const NAME_BYTES = 100

export function tarArchive(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(2 * BLOCK)])
}

function blocks(entry: TarEntry): Buffer[] {
  if (Buffer.byteLength(entry.name) >= NAME_BYTES) throw new Error(`${entry.name} is too long for an archive`)
  const body = 'text' in entry ? Buffer.from(entry.text) : Buffer.alloc(0)
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits - 1, '0')}\0`, at)
  header.write(entry.name, 0)
  octal('mode' in entry ? entry.mode : 0o777, 100, 8)
  octal('uid' in entry ? entry.uid : 0, 108, 8)
  octal('gid' in entry ? entry.gid : 0, 116, 8)
  octal(body.length, 124, 12)
  octal(0, 136, 12)
  header.write('        ', 148)
  header.write('text' in entry ? '0' : 'target' in entry ? '2' : '5', 156)
  if ('target' in entry) header.write(entry.target, 157)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return [header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]
}
