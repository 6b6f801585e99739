/** What each broken manifest is told: place, reason, cure. GUISE_GOLDEN=1 writes the golden text anew; read it before keeping it. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseManifests, problemText } from './manifest.ts'

const FOLDER = new URL('../../test/broken-manifests/', import.meta.url)
const GOLDEN = new URL('messages.golden.txt', FOLDER)
/** In order as manifests; what is wrong with them shows elsewhere. */
const FITS = new Set(['failing-test.yaml', 'needs-workloads.yaml', 'secret-missing.yaml', 'shared-address.yaml'])

test('every broken manifest is refused at its place, with reason and cure', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))
  assert.ok(files.length >= 30)
  const told = files.sort().map((file) => {
    const parsed = parseManifests(readFileSync(new URL(file, FOLDER), 'utf8'), { file })
    assert.equal(parsed.ok, FITS.has(file), file)
    const lines = parsed.ok
      ? parsed.warnings.map((one) => `warning: ${problemText(one)}`)
      : parsed.problems.map(problemText)
    return `# ${file}${parsed.ok ? '' : `: ${parsed.code}`}\n${lines.map((line) => `${line}\n`).join('')}`
  })
  const text = told.join('\n')
  if (process.env.GUISE_GOLDEN === '1' || !existsSync(GOLDEN)) writeFileSync(GOLDEN, text)
  assert.equal(text, readFileSync(GOLDEN, 'utf8'))
})
