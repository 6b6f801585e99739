/**
 * `guise policy test`: offline when every end is an address or a persona (of the files, or shipped) and no rule asks for
 * reputation; else the server runs the tests on its workloads and feeds, and keeps nothing (a dry run).
 */
import type { Command } from 'commander'
import { personasOf } from '../decide/effective.ts'
import { policyTestText, runPolicyTests } from '../decide/policy-tests.ts'
import { parseAddress } from '../model/address.ts'
import { slug } from '../model/ids.ts'
import type { PersonaManifest, PolicyManifest } from '../model/manifest.ts'
import { DEFAULT_HOME_NETWORKS } from '../model/networks.ts'
import type { ManifestRecord } from '../model/records.ts'
import type { Applied } from './apply.ts'
import { CliError, clientOf, print } from './client.ts'
import { atPlaces, type ManifestFiles, readManifestFiles, refuseProblems } from './manifest-files.ts'
import { shippedPersonas } from './shipped.ts'

type Failure = { readonly where: string; readonly message: string }
type Outcome = { readonly ran: 'offline' | 'server'; readonly passed: number; readonly failed: readonly Failure[] }

export async function testPolicies(paths: string[], command: Command): Promise<void> {
  const files = readManifestFiles(paths)
  refuseProblems(files)
  const policies = files.manifests.filter((one) => one.kind === 'Policy')
  const total = policies.reduce((sum, policy) => sum + (policy.spec.tests?.length ?? 0), 0)
  const personas = knownPersonas(files)
  const isOffline = policies.every((policy) => needsNobody(policy, personas))
  const outcome = total === 0 || isOffline ? runHere(files, policies, personas) : await askServer(files, total, command)
  print(command, { ok: outcome.failed.length === 0, ...outcome }, (value) => outcomeText(value, total))
  if (outcome.failed.length > 0) process.exitCode = 1
}

/** Of the files first: they may be about to replace a shipped one. */
function knownPersonas({ manifests }: ManifestFiles): readonly PersonaManifest[] {
  const own = manifests.filter((one) => one.kind === 'Persona')
  const names = new Set(own.map((one) => slug(one.metadata.name)))
  return [...own, ...shippedPersonas().filter((one) => !names.has(slug(one.metadata.name)))]
}

function needsNobody({ spec }: PolicyManifest, personas: readonly PersonaManifest[]): boolean {
  if (spec.rules.some((rule) => rule.peers.some((peer) => 'reputation' in peer))) return spec.tests === undefined
  const names = new Set(personas.map((one) => slug(one.metadata.name)))
  const isKnown = (end: string) => parseAddress(end) !== null || names.has(slug(end))
  return (spec.tests ?? []).every((test) => isKnown(test.from) && isKnown(test.to))
}

function runHere(
  files: ManifestFiles,
  policies: readonly PolicyManifest[],
  personas: readonly PersonaManifest[],
): Outcome {
  const results = runPolicyTests({
    policies,
    personas: personasOf(personas.map((manifest) => ({ manifest, version: 0 }) as unknown as ManifestRecord)),
    workloads: [],
    entries: [],
    homeNetworks: DEFAULT_HOME_NETWORKS,
    controlPlane: [],
  })
  const indexOf = (name: string) =>
    files.manifests.findIndex((one) => one.kind === 'Policy' && one.metadata.name === name)
  const failed = results
    .filter((one) => !one.passed)
    .map((one) => ({
      where: files.where(indexOf(one.policy), ['spec', 'tests', one.index]),
      message: policyTestText(one),
    }))
  return { ran: 'offline', passed: results.length - failed.length, failed }
}

async function askServer(files: ManifestFiles, total: number, command: Command): Promise<Outcome> {
  try {
    await clientOf(command).send<Applied>('POST', '/v1/manifests?dry_run=true', files.manifests)
    return { ran: 'server', passed: total, failed: [] }
  } catch (error) {
    const placed = atPlaces(error, files)
    const problem = placed instanceof CliError ? (placed.problem as { code?: string; errors?: Failure[] } | null) : null
    if (problem?.code !== 'policy-test-failed' || problem.errors === undefined) throw placed
    const failed = problem.errors.map(({ where, message }) => ({ where, message }))
    return { ran: 'server', passed: Math.max(0, total - failed.length), failed }
  }
}

function outcomeText({ ran, passed, failed }: Outcome, total: number): string {
  if (total === 0) return 'No policy here has tests. Add spec.tests: [{from, to, protocol, port, expect}].'
  const on = ran === 'offline' ? 'these files alone' : "the server's workloads, policies and feeds"
  return [
    ...failed.map((one) => `${one.where}: ${one.message}`),
    `${passed} passed, ${failed.length} failed, on ${on}.`,
  ].join('\n')
}
