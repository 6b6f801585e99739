/** Asked inside a workload, with packets: does the gateway that it has answer, its resolver, the control plane? */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { BEYOND, NAME } from './network.ts'

const execute = promisify(execFile)
export type Reach = { readonly gateway: boolean; readonly names: boolean; readonly controlPlane: boolean }

export async function reachOf(key: string): Promise<Reach> {
  const inside = (...argv: string[]) =>
    execute('ip', ['netns', 'exec', key, ...argv], { timeout: 2_000 }).then(
      ({ stdout }) => stdout,
      () => null,
    )
  const answers = async (address: string) => (await inside('ping', '-nqc1', '-W1', address)) !== null
  const route = /^default via (\S+)/.exec((await inside('ip', '-4', 'route', 'show', 'default')) ?? '')
  const [gateway, names, controlPlane] = await Promise.all([
    route === null ? false : answers(route[1]!),
    inside('getent', 'ahostsv4', NAME).then((said) => said?.startsWith(BEYOND) === true),
    answers(BEYOND),
  ])
  return { gateway, names, controlPlane }
}

export const isWhole = ({ gateway, names, controlPlane }: Reach) => gateway && names && controlPlane
export const isCutOff = ({ gateway, names, controlPlane }: Reach) => !gateway && !names && !controlPlane
