/** `--source SPEC` as text comes in, what is to be opened goes out; what is wrong is said with its place and the cure. */
import { resolve } from 'node:path'
import { parseAddress, parseCidr } from '../model/address.ts'
import { plainText } from '../model/plain-text.ts'

type Common = {
  /** Whose devices these flows are about: every address in them becomes a workload that is only observed. */
  readonly networks: readonly string[]
}
export type SourceSpec =
  | (Common & {
      readonly kind: 'netflow'
      readonly address: string
      readonly port: number
      /** CIDRs that may send; empty = this machine only. */
      readonly exporters: readonly string[]
    })
  | (Common & { readonly kind: 'zeek' | 'eve'; readonly path: string })
  /** What a sensor of this host tells of processes; `networks` is empty. */
  | (Common & { readonly kind: (typeof SENSORS)[number]; readonly path: string })

const SENSORS = ['tetragon', 'falco', 'auditd'] as const

const EXAMPLES =
  'netflow=0.0.0.0:2055,exporter=10.0.0.0/8,network=10.20.0.0/16, zeek=/var/log/zeek/current,network=…, eve=/var/log/suricata/eve.json,network=…, tetragon=FILE, falco=FILE or auditd=/var/log/audit/audit.log'
const MAX_PARTS = 200

/** Throws one sentence. */
export function parseSourceSpec(text: string): SourceSpec {
  const refuse = (why: string, cure: string): never => {
    throw new Error(`--source ${plainText(text, 120)}: ${why}; ${cure}`)
  }
  const parts = text.split(',').map((part) => {
    const equals = part.indexOf('=')
    return equals < 1
      ? { key: part.trim(), value: '' }
      : { key: part.slice(0, equals).trim(), value: part.slice(equals + 1).trim() }
  })
  if (parts.length > MAX_PARTS) refuse(`more than ${MAX_PARTS} parts`, 'give wider networks')
  const [first, ...rest] = parts
  const kind = first!.key
  const sensor = SENSORS.find((one) => one === kind)
  if (sensor !== undefined) {
    if (rest.length > 0)
      refuse(
        `${plainText(rest[0]!.key, 30)}=… is for flows`,
        'leave it out: a sensor of processes tells of workloads that this agent knows already',
      )
    if (first!.value === '') refuse(`${sensor}= has no path`, 'give the file or folder that is written')
    return { kind: sensor, path: resolve(first!.value), networks: [] }
  }
  if (kind !== 'netflow' && kind !== 'zeek' && kind !== 'eve')
    return refuse(kind === '' ? 'it is empty' : `it begins with ${plainText(kind, 30)}`, `use ${EXAMPLES}`)
  const exporters: string[] = []
  const networks: string[] = []
  for (const { key, value } of rest) {
    const said = `${plainText(key, 30)}=${plainText(value, 60)}`
    if (key !== 'exporter' && key !== 'network')
      return refuse(`${said} is not known`, 'use exporter=CIDR and network=CIDR')
    if (key === 'exporter' && kind !== 'netflow')
      return refuse(`${said} is for netflow only`, 'leave it out: a file has no exporters')
    if (parseCidr(value) === null)
      return refuse(`${said} is no network`, 'give a CIDR with zero host bits, such as 10.0.0.0/8, or one address')
    if (key === 'exporter') exporters.push(value)
    else networks.push(value)
  }
  if (networks.length === 0)
    return refuse(
      'it names no network',
      'add network=CIDR of the devices its flows are about, such as network=10.20.0.0/16',
    )
  const { value } = first!
  if (kind === 'netflow') return { kind: 'netflow', ...parsePlace(value, refuse), exporters, networks }
  if (value === '') return refuse(`${kind}= has no path`, 'give the file or folder that is written')
  return { kind, path: resolve(value), networks }
}

/** `ADDRESS:PORT`, `[IPv6]:PORT`, or `:PORT` for every address of this machine. */
export function parsePlace(
  text: string,
  refuse: (why: string, cure: string) => never,
): { readonly address: string; readonly port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:]*)):(\d{1,5})$/.exec(text)
  const address = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3])
  const given = address === '' ? '0.0.0.0' : address
  if (match === null || parseAddress(given) === null || !(port >= 1 && port <= 65_535))
    return refuse(
      `${plainText(text, 60)} is no ADDRESS:PORT`,
      'give for example 0.0.0.0:2055, or [::]:2055 for IPv6, too',
    )
  return { address: given, port }
}

/** Several, as in an environment file: separated by blanks. */
export function splitSpecs(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((part) => part !== '')
}
