/** The personas that ship with Guise: what a file without a server may name. */
import { readdirSync, readFileSync } from 'node:fs'
import { parseManifests } from '../decide/manifest.ts'
import type { PersonaManifest } from '../model/manifest.ts'

const FOLDER = new URL('../../examples/personas/', import.meta.url)

export function shippedPersonas(): PersonaManifest[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => {
      const parsed = parseManifests(readFileSync(new URL(file, FOLDER), 'utf8'), { file })
      return parsed.ok ? parsed.value.filter((one) => one.kind === 'Persona') : []
    })
}
