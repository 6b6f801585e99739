/**
 * A set of conformance data, as the network-policy-api repository lays it out: `truth-table.json` with suites, tests and
 * probes, and `conformance/` with the manifests they name; `conformance/base/manifests.yaml` holds namespaces and pods.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { namespaceKey } from '../../src/decide/import/selectors.ts'

export type Probe = {
  readonly client_ns: string
  readonly client_pod: string
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  /** `NAMESPACE/POD` */
  readonly server: string
  readonly port: number
  readonly allowed: boolean
  readonly after_policy_change: boolean
}
export type Test = { readonly name: string; readonly probes: readonly Probe[] }
export type Suite = {
  readonly short_name: string
  readonly manifests: readonly string[]
  readonly tests: readonly Test[]
}
export type Pod = {
  /** `NAMESPACE/POD` */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** What it is asked for by some probe. */
  readonly serves: readonly { readonly protocol: Probe['protocol']; readonly port: number }[]
}
export type ManifestText = { readonly file: string; readonly text: string }

export function readTable(folder: string): { readonly suites: readonly Suite[]; readonly pods: readonly Pod[] } {
  const { suites } = JSON.parse(readFileSync(join(folder, 'truth-table.json'), 'utf8')) as { suites: Suite[] }
  const probes = suites.flatMap(({ tests }) => tests.flatMap((test) => test.probes))
  const base = readFileSync(join(folder, 'conformance', 'base', 'manifests.yaml'), 'utf8')
  return { suites, pods: readPods(base, probes) }
}

export function readManifest(folder: string, file: string): ManifestText {
  return { file, text: readFileSync(join(folder, 'conformance', file), 'utf8') }
}

type Labels = Record<string, string>
type KubeObject = {
  readonly kind?: string
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly labels?: Labels }
  readonly spec?: PodSpec & {
    readonly replicas?: number
    readonly template?: { readonly metadata?: { readonly labels?: Labels }; readonly spec?: PodSpec }
  }
}
type PodSpec = {
  readonly containers?: readonly {
    readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[]
  }[]
}

/** Labels as an import expects them: of the pod, of its namespace, and the names of its ports. */
function readPods(text: string, probes: readonly Probe[]): Pod[] {
  // What holds a template to be filled in is no pod that a probe could name.
  const documents = parseAllDocuments(text, { stringKeys: true, logLevel: 'silent' })
  const objects = documents.flatMap((one) => (one.errors.length > 0 ? [] : [one.toJS() as KubeObject | null]))
  const namespaces = new Map(
    objects.flatMap((one) =>
      one?.kind === 'Namespace' ? [[one.metadata?.name ?? '', one.metadata?.labels ?? {}]] : [],
    ),
  )
  return objects.flatMap((object) => {
    const many = object?.kind === 'StatefulSet' || object?.kind === 'Deployment'
    if (object === null || (!many && object.kind !== 'Pod')) return []
    const { name = '', namespace = 'default' } = object.metadata ?? {}
    const of: Labels = { ...namespaces.get(namespace), 'kubernetes.io/metadata.name': namespace }
    const placed = Object.fromEntries(Object.entries(of).map(([key, value]) => [namespaceKey(key), value]))
    const template = many ? object.spec?.template : object
    const ports = (template?.spec?.containers ?? [])
      .flatMap((one) => one.ports ?? [])
      .filter((one) => one.name !== undefined)
      .map((one) => [`port/${one.name}`, `${one.containerPort}/${(one.protocol ?? 'TCP').toLowerCase()}`])
    return Array.from({ length: object.spec?.replicas ?? 1 }, (_, i): Pod => {
      const pod = `${namespace}/${name}${many ? `-${i}` : ''}`
      const asked = probes.filter((probe) => probe.server === pod).map(({ protocol, port }) => `${protocol} ${port}`)
      const serves = [...new Set(asked)].map((one) => {
        const [protocol, port] = one.split(' ') as [Probe['protocol'], string]
        return { protocol, port: Number(port) }
      })
      return { name: pod, labels: { ...template?.metadata?.labels, ...placed, ...Object.fromEntries(ports) }, serves }
    })
  })
}
