/** A podman container on the range, in the place of its second workload, that wears what its driver carries. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildContainerRoot } from '../../guest/container-root.ts'
import { removePodmanFolder } from '../../guest/podman-folder.ts'
import { namespaceOf } from '../../lab/topology.ts'
import { endEngine } from '../../src/enforce/facets/vpn/engine.ts'
import type { DesiredState } from '../../src/model/desired.ts'
import type { WorkloadReport } from '../../src/model/wire.ts'
import type { Range } from '../kill/range.ts'
import type { Stand } from './ground.ts'
import { carried, redirects, type Secrets, type Variant, wearing } from './persona.ts'

const run = promisify(execFile)

export async function standContainer(range: Range, secrets: Secrets): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'guise-podman-'))
  const options = [
    ...['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--tmpdir', join(folder, 'tmp')],
    ...['--cgroup-manager', 'cgroupfs', '--runtime', 'runc'],
  ]
  const podman = async (...argv: string[]) =>
    (await run('podman', [...options, ...argv], { timeout: 120_000 })).stdout.trim()
  const space = namespaceOf(range.plan.prefix, 'wb')
  const remove = async () => {
    await podman('rm', '-f', '-t', '0', '-a')
    await removePodmanFolder(folder)
  }
  try {
    await podman('import', '-q', await buildContainerRoot(), 'guise-test')
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']
    const argv = ['run', '-d', '--name', 'web', ...limits, '--network', `ns:/run/netns/${space}`, 'guise-test']
    const id = await podman(...argv, '/bin/sh', '-c', 'while :; do sleep 1000; done')
    const key = `container:${id}`
    const reports = JSON.parse(readFileSync(range.inventory, 'utf8')) as WorkloadReport[]
    const own = reports.find((one) => one.key === space)!
    const kind = 'container' as WorkloadReport['kind']
    writeFileSync(range.inventory, JSON.stringify([{ ...own, key, name: 'web', kind, driver: 'container' }]))
    return {
      workloads: (_, variant) => [wearing(key, variant, carried('container', worn(secrets, variant)))],
      async remove() {
        await endEngine({ key, namespace: `/run/netns/${space}` })
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

function worn(secrets: Secrets, variant: Variant): Partial<DesiredState> {
  const rate = { rate: (10 + variant) * 1_000_000, ceiling: (20 + variant) * 1_000_000 }
  return {
    ...(variant === 1 ? { network: { addresses: ['10.79.0.2/24'], gateways: ['10.79.0.1'] } } : {}),
    dns: { servers: [`10.77.53.5${variant}`], search: [`v${variant}.lab.internal`] },
    bandwidth: { down: rate, ...(variant === 1 ? { up: rate } : {}) },
    cpu: { cores: 0.5 + variant },
    memory: { maxBytes: (64 + variant) << 20 },
    tls: secrets.tls(variant),
    redirects: redirects(variant),
    vpn: secrets.vpn(variant),
  }
}
