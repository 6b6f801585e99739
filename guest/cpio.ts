/** Entries come in, an initramfs goes out: cpio in the `newc` format (kernel: Documentation/driver-api/early-userspace/buffer-format.rst). */

export type Entry =
  | { readonly path: string; readonly kind: 'folder' }
  | { readonly path: string; readonly kind: 'file'; readonly bytes: Uint8Array; readonly mode: number }
  | { readonly path: string; readonly kind: 'link'; readonly target: string }
  /** A character device: what init writes to before there is a /dev. */
  | { readonly path: string; readonly kind: 'device'; readonly major: number; readonly minor: number }

const TYPE = { folder: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 } as const
const HEADER_BYTES = 110

/** Folders must come before what they hold. Not compressed: to unpack costs an emulated processor more than to read. */
export function cpioArchive(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap((entry, i) => record(entry, i + 1))
  parts.push(...record({ path: 'TRAILER!!!', kind: 'file', bytes: new Uint8Array(), mode: 0 }, 0))
  return Buffer.concat(parts)
}

function record(entry: Entry, inode: number): Buffer[] {
  const body =
    entry.kind === 'file' ? entry.bytes : entry.kind === 'link' ? Buffer.from(entry.target) : new Uint8Array()
  const mode = TYPE[entry.kind] | (entry.kind === 'file' ? entry.mode : 0o755)
  const name = Buffer.from(`${entry.path}\0`)
  const device = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0]
  const fields = [inode, mode, 0, 0, 1, 0, body.length, 0, 0, ...device, name.length, 0]
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`
  return [Buffer.from(header), name, padding(HEADER_BYTES + name.length), Buffer.from(body), padding(body.length)]
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4)
}
