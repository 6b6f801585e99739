/** `npm run bench -- NAME [--json] [options]`: runs bench/NAME.ts. Each prints a table and, with --json, one last line. */
import { globSync } from 'node:fs'

const [name, ...args] = process.argv.slice(2)
const names = globSync('*.bench.ts', { cwd: import.meta.dirname })
  .map((file) => file.replace('.bench.ts', ''))
  .sort()
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [--json]\nbenches: ${names.join(', ')}`)
  process.exit(2)
}
// Some start a thousand processes.
process.env.NODE_COMPILE_CACHE ??= new URL('../node_modules/.cache/compiled', import.meta.url).pathname
const bench: { run(args: readonly string[]): Promise<void> } = await import(`./${name}.bench.ts`)
await bench.run(args)
