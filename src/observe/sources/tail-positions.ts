/** Where reading of followed files is, in one small file: written whole, under another name first. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Position } from './tail-file.ts'

const isPositions = Compile(
  Type.Object({
    version: Type.Literal(1),
    files: Type.Record(
      Type.String(),
      Type.Object({
        device: Type.Number(),
        inode: Type.Number(),
        offset: Type.Integer({ minimum: 0 }),
        head: Type.String(),
        headBytes: Type.Integer({ minimum: 0 }),
      }),
    ),
  }),
)

/** Empty when there is none, or one that cannot be understood: then reading begins as if for the first time. */
export async function readPositions(path: string): Promise<Map<string, Position>> {
  try {
    const kept: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isPositions.Check(kept) ? new Map(Object.entries(kept.files)) : new Map()
  } catch {
    return new Map()
  }
}

export async function writePositions(path: string, positions: ReadonlyMap<string, Position>): Promise<void> {
  const text = JSON.stringify({ version: 1, files: Object.fromEntries(positions) })
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
