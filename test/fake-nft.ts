/**
 * The least of nft(8) for tests that need no kernel: one table `inet guise` that is there or not, and what waits in it. Stands first in PATH of this
 * process and of what it starts, and `GUISE_LOADER` sees to it that nothing goes another way.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type FakeNft = {
  readonly hasTable: boolean
  putTable(): void
  /** Every call fails from now on. */
  fail(isFailing: boolean): void
  /** What was loaded, in order. */
  readonly loaded: string
  /** What was loaded so far. */
  forget(): void
}

/** `folder` is the caller's to remove. */
export function fakeNft(folder: string): FakeNft {
  const at = (name: string) => join(folder, name)
  const [table, failing, loaded, waiting] = [at('table'), at('failing'), at('loaded'), at('waiting')]
  const program = `#!/bin/sh
[ -e '${failing}' ] && { echo 'Error: Cannot allocate memory' >&2; exit 1; }
if [ "$1" = -j ]; then
  [ -e '${table}' ] || { echo 'Error: No such file or directory' >&2; exit 1; }
  printf '{"nftables":[{"table":{"family":"inet","name":"guise","handle":1}},'
  printf '{"set":{"family":"inet","name":"state","table":"guise","elem":[%s]}}]}\\n' "$(cat '${waiting}' 2>/dev/null)"
  exit 0
fi
text=$(cat)
printf '%s\\n' "$text" >> '${loaded}'
case $text in *'delete table inet guise'*) rm -f '${table}' '${waiting}';; esac
case $text in *'chain '*) : > '${table}';; esac
stamp='s/^add element inet guise state { \\("h[0-9a-f]*"\\) timeout .*/{"elem":{"val":\\1,"timeout":30,"expires":30}}/p'
printf '%s\n' "$text" | sed -n "$stamp" > '${waiting}'
`
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin', 'nft'), program)
  chmodSync(join(folder, 'bin', 'nft'), 0o755)
  process.env.PATH = `${join(folder, 'bin')}:${process.env.PATH}`
  process.env.GUISE_LOADER = 'program'
  return {
    get hasTable() {
      return existsSync(table)
    },
    putTable: () => writeFileSync(table, ''),
    fail: (isFailing) => (isFailing ? writeFileSync(failing, '') : rmSync(failing, { force: true })),
    forget: () => rmSync(loaded, { force: true }),
    get loaded() {
      return existsSync(loaded) ? readFileSync(loaded, 'utf8') : ''
    },
  }
}
