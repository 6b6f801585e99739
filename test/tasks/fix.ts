/** `npm run fix`: formats, and applies the linter's safe fixes. */
import { spawnSync } from 'node:child_process'
import { biome } from './check.ts'

const linter = biome()
if (linter === null) console.error('biome ships for Linux only here')
else process.exitCode = spawnSync(linter, ['check', '--write', '.'], { stdio: 'inherit' }).status ?? 1
