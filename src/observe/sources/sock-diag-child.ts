/** Started by sock-diag-in.ts inside another network namespace: one line of JSON on stdout. */
import { sockDiag } from './sock-diag.ts'

process.stdout.write(`${JSON.stringify(await sockDiag())}\n`)
