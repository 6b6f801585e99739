/** `guise verify` for a namespace, as one line: `nsenter --net=… node verify-inside.ts HOME`. */
import { verify } from '../../src/enforce/verify.ts'

process.stdout.write(JSON.stringify(await verify(process.argv[2]!, Date.now())))
