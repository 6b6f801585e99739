/** The `dns` facet of a namespace: `/etc/netns/NAME/resolv.conf`, which `ip netns exec` binds over /etc/resolv.conf. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { DesiredState } from '../model/desired.ts'
import type { Driver } from './driver.ts'
import { NAMESPACE_PATH, runStep, type Step } from './step.ts'

/** The file's text; null = no file. */
export type DnsState = string | null

export function resolverPath(namespace: string): string {
  if (!NAMESPACE_PATH.test(namespace)) throw new Error(`not a namespace path: ${JSON.stringify(namespace)}`)
  return `/etc/netns/${basename(namespace)}/resolv.conf`
}

export function dnsText(dns: NonNullable<DesiredState['dns']>): string {
  const search = dns.search.length > 0 ? [`search ${dns.search.join(' ')}`] : []
  return ['# written by guise', ...dns.servers.map((server) => `nameserver ${server}`), ...search, ''].join('\n')
}

export function dnsStep(namespace: string, text: DnsState): Step {
  return { run: 'resolver', path: resolverPath(namespace), text }
}

export function createDnsDriver(namespace: string): Driver<DnsState> {
  const path = resolverPath(namespace)
  const capture = async (): Promise<DnsState> => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }
  return {
    capture,
    async converge(wanted) {
      if ((await capture()) !== wanted) await runStep(dnsStep(namespace, wanted))
    },
    normalise: (state) => JSON.stringify(state?.trimEnd() ?? null),
  }
}
