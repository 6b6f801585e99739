/**
 * Runs inside one namespace for as long as a bench or a test does: loads texts there by the way that is asked for, and
 * says how long it took. Requests and answers are lines of JSON; ends when its input does.
 */
import { type Loader, libraryLoader, listTable, load, netlinkLoader, programLoader } from '../../src/enforce/load.ts'
import { answerLines } from '../child.ts'

export type Way = Loader['name'] | 'quickest'
export type LoadRequest =
  | { readonly op: 'load'; readonly way: Way; readonly text: string }
  /** Each text after the one before it; answers with each one's time. */
  | { readonly op: 'each'; readonly way: Way; readonly texts: readonly string[] }
  | { readonly op: 'list' }
export type LoadAnswer = {
  readonly ms: readonly number[]
  /** Of this process alone, kernel included: what the machine's other work does not change much. */
  readonly cpuMs: readonly number[]
  /** Of that, the kernel's part: what no program could do without. */
  readonly kernelMs: readonly number[]
  readonly by: string
  readonly listing: string
}

const LOADERS = { netlink: netlinkLoader, libnftables: libraryLoader, program: programLoader }

async function loadBy(way: Way, text: string): Promise<string> {
  if (way === 'quickest') return (await load(text)) ?? 'none'
  const loader = LOADERS[way]
  if ((await loader.apply(text)) === 'applied') return loader.name
  // What no batch can carry goes by libnftables, as it does in the agent.
  if (way === 'netlink' && (await libraryLoader.apply(text)) === 'applied') return libraryLoader.name
  throw new Error(`${way} cannot carry this text here`)
}

async function answer(request: LoadRequest): Promise<LoadAnswer> {
  if (request.op === 'list') return { ms: [], cpuMs: [], kernelMs: [], by: '', listing: await listTable('inet guise') }
  const ms: number[] = []
  const cpuMs: number[] = []
  const kernelMs: number[] = []
  let by = ''
  for (const text of request.op === 'each' ? request.texts : [request.text]) {
    const [start, used] = [performance.now(), process.cpuUsage()]
    by = await loadBy(request.way, text)
    ms.push(performance.now() - start)
    const { user, system } = process.cpuUsage(used)
    cpuMs.push((user + system) / 1_000)
    kernelMs.push(system / 1_000)
  }
  return { ms, cpuMs, kernelMs, by, listing: '' }
}

await answerLines(answer)
