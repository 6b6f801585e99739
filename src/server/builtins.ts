/** The personas, policies and feeds that ship with Guise, read before privileges are dropped. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseManifests } from '../decide/manifest.ts'
import type { Manifest } from '../model/manifest.ts'

export type Builtins = {
  readonly manifests: readonly Manifest[]
  /** Sample lists, copied into the data directory at first start so that their feeds can read them. */
  readonly lists: readonly { readonly name: string; readonly text: string }[]
}

export function readBuiltins(examples: string): Builtins {
  const files = (folder: string) =>
    readdirSync(join(examples, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => ({ name: entry.name, text: readFileSync(join(examples, folder, entry.name), 'utf8') }))
      .sort((a, b) => a.name.localeCompare(b.name))
  const manifests = ['personas', 'policies', 'feeds'].flatMap((folder) =>
    files(folder)
      .filter((file) => /\.ya?ml$/.test(file.name))
      .flatMap((file) => {
        const parsed = parseManifests(file.text, { file: `examples/${folder}/${file.name}` })
        if (!parsed.ok)
          throw new Error(`a shipped manifest does not parse: ${parsed.where ?? file.name}: ${parsed.why}`)
        return parsed.value
      }),
  )
  return { manifests, lists: files('feeds').filter((file) => !/\.ya?ml$/.test(file.name)) }
}
