/** `guise policy import` and `lint` as a person runs them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseManifests } from '../decide/manifest.ts'

const MAIN = new URL('./main.ts', import.meta.url).pathname
let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guise-policy-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function guise(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', GUISE_HOME: '/nonexistent' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const [code] = await once(child, 'close')
  return { code: code as number, out, err }
}

const NETWORK_POLICY = `kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - ports: [{port: 80}]
---
kind: Service
`

test('import prints manifests of ours, apply says how to get them', async () => {
  await writeFile(join(folder, 'np.yaml'), NETWORK_POLICY)
  const plain = await guise('policy', 'import', 'np.yaml', '--mode', 'enforce')
  assert.equal(plain.code, 0)
  assert.equal(plain.err, 'note: np.yaml:9: Service is no policy, so it is passed over\n')
  const read = parseManifests(plain.out, { file: 'out' })
  assert.ok(read.ok)
  assert.deepEqual(
    read.value.map((one) => [one.metadata.name, one.kind === 'Policy' ? one.spec.mode : '']),
    [
      ['np.shop.web', 'enforce'],
      ['np.shop.web.end', 'enforce'],
    ],
  )
  const json = await guise('policy', 'import', 'np.yaml', '--json')
  assert.equal(json.out.trim().split('\n').length, 1)
  assert.equal(JSON.parse(json.out).manifests[0].spec.rules[0].origin, 'np.yaml:7')
  const applied = await guise('apply', '-f', 'np.yaml')
  assert.equal(applied.code, 1)
  assert.match(applied.err, /np\.yaml:1:7: NetworkPolicy is a manifest of Kubernetes.*guise policy import FILE/)
})

test('import refuses whole: a mode there is not, a kind of peer there is not', async () => {
  assert.equal((await guise('policy', 'import', 'np.yaml', '--mode', 'maybe')).code, 2)
  const nodes = `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: n}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {}}
  egress: [{action: Deny, to: [{nodes: {}}]}]
`
  await writeFile(join(folder, 'none.yaml'), 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n')
  const none = await guise('policy', 'import', 'none.yaml')
  assert.deepEqual([none.code, none.out], [1, ''])
  assert.match(none.err, /There is no policy of Kubernetes in none\.yaml\. Name a file that has one\.\n$/)
  await writeFile(join(folder, 'nodes.yaml'), `${NETWORK_POLICY}---\n${nodes}`)
  const refused = await guise('policy', 'import', 'nodes.yaml')
  assert.equal(refused.code, 1)
  assert.equal(refused.out, '')
  assert.match(refused.err, /^guise: 1 problem; nothing was imported\.\nnodes\.yaml:18:33: nodes are no workloads here/)
})

const VAIN = `apiVersion: guise/v1
kind: Policy
metadata: {name: vain}
spec:
  rules:
    - {action: deny, direction: egress, peers: [{any: true}], ports: [{protocol: tcp}]}
    - {action: allow, direction: egress, peers: [{cidr: 10.0.0.0/8}], ports: [{protocol: tcp, port: 80}]}
`

test('lint ends with 1 when a rule never decides, and on every finding when strict', async () => {
  await writeFile(join(folder, 'vain.yaml'), VAIN)
  const vain = await guise('policy', 'lint', 'vain.yaml')
  assert.equal(vain.code, 1)
  assert.match(vain.out, /^shadowed: vain\.yaml:7:7: rule 2 never decides: rule 1 \(deny egress to anyone on tcp\)/)
  assert.match(vain.out, /1 manifest in order, 0 problems, 0 warnings, 1 finding\.\n$/)
  const { ok, findings } = JSON.parse((await guise('policy', 'lint', 'vain.yaml', '--json')).out)
  assert.deepEqual([ok, findings.length, findings[0].kind, findings[0].where], [false, 1, 'shadowed', 'vain.yaml:7:7'])
  const broad = VAIN.replace(
    / {4}- \{action: deny[\s\S]*$/,
    '    - {action: allow, direction: egress, peers: [{any: true}]}\n',
  )
  await writeFile(join(folder, 'broad.yaml'), broad)
  assert.equal((await guise('policy', 'lint', 'broad.yaml')).code, 0)
  assert.equal((await guise('policy', 'lint', 'broad.yaml', '--strict')).code, 1)
})

test('without files lint reads the policies of a server, and --unused its conversations', async () => {
  const policy = parseManifests(VAIN, { file: 'vain' })
  assert.ok(policy.ok)
  const report = {
    key: 'w',
    name: 'w',
    kind: 'namespace',
    driver: 'netns',
    interface: 'w',
    addresses: ['10.0.0.1'],
    labels: {},
  }
  const talk = { workload: 'w_1', peer: '192.0.2.1', port: 443, proto: 6, direction: 'initiated', start: Date.now() }
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url!.replace(/\?.*$/, '')
    asked.push(path)
    const items = {
      '/v1/policies': [{ manifest: policy.value[0] }],
      '/v1/personas': [],
      '/v1/shifts': [],
      '/v1/workloads': [{ id: 'w_1', report, assigned: null, belief: null }],
      '/v1/workloads/w_1/conversations': [talk],
    }[path]
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items, next: null }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const all = await guise('policy', 'lint', '--unused', '7', '--server', base)
    assert.equal(all.code, 1)
    assert.match(all.out, /shadowed: Policy\/vain\/spec\/rules\/1: rule 2 never decides/)
    assert.match(all.out, /unused: Policy\/vain\/spec\/rules\/1: rule 2 decided no conversation of the last hour/)
    assert.doesNotMatch(all.out, /unused: Policy\/vain\/spec\/rules\/0/)
    assert.match(all.out, /note: the server's conversations go back 1 hour, not 7 days/)
    assert.ok(asked.includes('/v1/workloads/w_1/conversations'))
  } finally {
    server.close()
  }
})
