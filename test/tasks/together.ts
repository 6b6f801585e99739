/** Many test files in one process: what they import is loaded once. For those of rooms that keep nothing and touch nothing. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

for (const file of (process.env.GUISE_TOGETHER ?? '').split('\n').filter(Boolean))
  await import(pathToFileURL(resolve(file)).href)
