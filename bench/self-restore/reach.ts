/** Asked inside a workload, with packets: does the gateway that it has answer, its resolver, the control plane? */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { BEYOND, NAME } from './network.ts'

const execute = promisify(execFile)
export type Reach = { readonly gateway: boolean; readonly names: boolean; readonly controlPlane: boolean }

export async function reachOf(key: string): Promise<Reach> {
  const run = (program: string, ...argv: string[]) =>
    execute(program, argv, { timeout: 3_000 }).then(
      ({ stdout }) => stdout,
      () => null,
    )
  const answers = async (address: string) =>
    (await run('nsenter', `--net=/run/netns/${key}`, 'ping', '-nqc1', '-W1', address)) !== null
  const route = /^default via (\S+)/.exec((await run('ip', '-n', key, '-4', 'route', 'show', 'default')) ?? '')
  const gateway = route !== null && (await answers(route[1]!))
  const controlPlane = await answers(BEYOND)
  // Only this way are programs given the workload's resolver file.
  const names = (await run('ip', 'netns', 'exec', key, 'getent', 'ahostsv4', NAME))?.startsWith(BEYOND) === true
  return { gateway, names, controlPlane }
}

export const isWhole = ({ gateway, names, controlPlane }: Reach) => gateway && names && controlPlane
export const isCutOff = ({ gateway, names, controlPlane }: Reach) => !gateway && !names && !controlPlane
