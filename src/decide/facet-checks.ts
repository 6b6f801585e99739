/** What a schema cannot say of a profile's facets: rates that let something through, sizes that hold a program, addresses that parse. */
import { cidrContains, parseAddress, parseCidr } from '../model/address.ts'
import { bitsPerSecond, GREATEST_RATE, LEAST_RATE } from '../model/facets/bandwidth.ts'
import { bytesOf, GREATEST_BYTES, LEAST_BYTES } from '../model/facets/limits.ts'
import { GREATEST_MB, LEAST_MB, memoryMbOf } from '../model/facets/machine.ts'
import { packageOf } from '../model/facets/packages.ts'
import type { Profile } from '../model/persona.ts'

type Add = (path: readonly (string | number)[], why: string, cure: string) => void

export function checkFacets(profile: Profile, add: Add): void {
  const at = (...path: (string | number)[]) => ['spec', 'profile', ...path]
  for (const direction of ['down', 'up'] as const)
    checkShape(profile.bandwidth?.[direction], at('bandwidth', direction), add)
  checkMemory(profile, at('memory', 'max'), add)
  checkMachine(profile, at('machine', 'memory'), add)
  checkEgress(profile, add)
  const ports = profile.publishedPorts?.map(({ protocol, port }) => `${protocol} ${port}`) ?? []
  ports.forEach((port, i) => {
    if (ports.indexOf(port) < i) add(at('publishedPorts', i), `port ${port} is here twice`, 'leave one out')
  })
  const names = profile.packages?.map((text) => packageOf(text).name) ?? []
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) add(at('packages', i), `package ${name} is here twice`, 'leave one out')
  })
}

function checkMemory({ memory }: Profile, path: (string | number)[], add: Add): void {
  if (memory === undefined) return
  const bytes = bytesOf(memory.max) ?? 0
  if (bytes < LEAST_BYTES) add(path, `no program starts in ${memory.max}`, 'give at least 4MiB')
  if (bytes > GREATEST_BYTES) add(path, `${memory.max} is more than any host has`, 'give at most 65536GiB')
}

function checkMachine({ machine }: Profile, path: (string | number)[], add: Add): void {
  if (machine?.memory === undefined) return
  const mb = memoryMbOf(machine.memory)
  if (mb < LEAST_MB) add(path, `no machine starts in ${machine.memory}`, `give at least ${LEAST_MB}MiB`)
  if (mb > GREATEST_MB) add(path, `${machine.memory} is more than any host has`, 'give at most 1024GiB')
}

function checkShape(shape: { rate: string; ceiling?: string } | undefined, path: (string | number)[], add: Add): void {
  if (shape === undefined) return
  const rate = bitsPerSecond(shape.rate) ?? 0
  const ceiling = bitsPerSecond(shape.ceiling ?? shape.rate) ?? 0
  if (rate === 0)
    add([...path, 'rate'], `a rate of ${shape.rate} lets nothing through`, 'give at least 8kbit, or deny by a rule')
  else if (rate < LEAST_RATE)
    add([...path, 'rate'], `${shape.rate} is too slow for a full packet`, 'give at least 8kbit')
  else if (rate > GREATEST_RATE) add([...path, 'rate'], `${shape.rate} is above what a host can pace`, 'leave it out')
  else if (ceiling < rate)
    add(
      [...path, 'ceiling'],
      `the ceiling ${shape.ceiling} is below the rate ${shape.rate}`,
      'raise it, or leave it out',
    )
  else if (ceiling > GREATEST_RATE)
    add([...path, 'ceiling'], `${shape.ceiling} is above what a host can pace`, 'give at most 400gbit')
}

function checkEgress({ egressAddress }: Profile, add: Add): void {
  const path = ['spec', 'profile', 'egressAddress']
  const families: boolean[] = []
  egressAddress?.addresses.forEach((text, i) => {
    const words = parseAddress(text)
    const isV6 = text.includes(':')
    if (words === null) add([...path, 'addresses', i], `${text} is no address`, 'write it like 203.0.113.7')
    else if (UNFIT.some((cidr) => cidrContains(parseCidr(cidr)!, words)))
      add([...path, 'addresses', i], `nobody can answer to ${text}`, 'give an address that leads to this host')
    else if (families.includes(isV6))
      add([...path, 'addresses', i], `${text} is the second address of its family`, 'leave one out')
    families.push(isV6)
  })
  egressAddress?.except?.forEach((text, i) => {
    if (parseCidr(text) === null)
      add([...path, 'except', i], `${text} is no address or CIDR`, 'write it like 10.0.0.0/8 or fd00::/8')
  })
}

/** Unspecified, loopback, link-local, multicast (RFC 6890). */
const UNFIT = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8']
