/**
 * `guise policy lint [FILE…]`: the checks of `apply` without a server, and rules that never decide, are there twice, or are wider
 * than anybody needs; without files, those the server has. `--unused` asks it for conversations. Exit 1: refused, or a rule in vain.
 */
import type { Command } from 'commander'
import { type LintFinding, lintRules } from '../decide/lint/lint-rules.ts'
import { unusedRules } from '../decide/lint/unused.ts'
import { type ManifestProblem, problemText } from '../decide/manifest.ts'
import { slug } from '../model/ids.ts'
import type { Manifest, PersonaManifest, PolicyManifest } from '../model/manifest.ts'
import type { ConversationRecord, ManifestRecord, Page, ShiftRecord, WorkloadRecord } from '../model/records.ts'
import { CliError, type Client, clientOf, print } from './client.ts'
import { listAll } from './find.ts'
import { counted, readManifestFiles } from './manifest-files.ts'
import { shippedPersonas } from './shipped.ts'

const DAY_MS = 86_400_000
/** The most that the server gives of one workload. */
const MOST = 5_000

type Linted = {
  readonly manifests: readonly Manifest[]
  readonly problems: readonly ManifestProblem[]
  readonly warnings: readonly ManifestProblem[]
  where(index: number, path: readonly (string | number)[]): string
}
export type LintReport = {
  readonly ok: boolean
  readonly manifests: number
  readonly problems: readonly ManifestProblem[]
  readonly warnings: readonly ManifestProblem[]
  readonly findings: readonly (LintFinding & { readonly where: string })[]
  readonly notes: readonly string[]
}

export async function lint(paths: string[], command: Command): Promise<void> {
  const { unused, strict } = command.opts<{ unused?: string | true; strict?: true }>()
  const days = unused === undefined ? null : daysOf(unused)
  const set = paths.length > 0 ? fromFiles(paths) : await fromServer(clientOf(command))
  const silent = days === null ? { findings: [], notes: [] } : await silentRules(set, days, clientOf(command))
  const findings = [...lintRules(set.manifests), ...silent.findings].map((one) => ({
    ...one,
    where: set.where(one.index, one.path),
  }))
  const inVain = findings.filter(({ kind }) => strict === true || kind === 'shadowed' || kind === 'duplicate')
  const { problems, warnings } = set
  const ok = problems.length === 0 && inVain.length === 0
  const report: LintReport = {
    ok,
    manifests: set.manifests.length,
    problems,
    warnings,
    findings,
    notes: silent.notes,
  }
  print(command, report, lintText)
  if (!ok) process.exitCode = 1
}

export function lintText({ manifests, problems, warnings, findings, notes }: LintReport): string {
  const sentence = (text: string) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
  const total = [
    `${counted(manifests, 'manifest')} in order`,
    counted(problems.length, 'problem'),
    counted(warnings.length, 'warning'),
    ...(findings.length === 0 ? [] : [counted(findings.length, 'finding')]),
  ]
  return [
    ...problems.map(problemText),
    ...warnings.map((one) => `warning: ${problemText(one)}`),
    ...findings.map(({ kind, where, why, cure }) => `${kind}: ${where}: ${why}. ${sentence(cure)}`),
    ...notes.map((one) => `note: ${one}`),
    `${total.join(', ')}.`,
  ].join('\n')
}

function daysOf(given: string | true): number {
  const days = given === true ? 1 : Number(/^(\d{1,3})d?$/.exec(given)?.[1])
  if (!(days >= 1)) throw new CliError(`${String(given).slice(0, 20)} is no number of days. Give one like 7.`, 2)
  return days
}

function fromFiles(paths: readonly string[]): Linted {
  return readManifestFiles(
    paths,
    shippedPersonas().map((one) => one.metadata.name),
  )
}

async function fromServer(client: Client): Promise<Linted> {
  const manifests = await kept(client)
  return {
    manifests,
    problems: [],
    warnings: [],
    where(index, path) {
      const one = manifests[index]
      return one === undefined ? '' : [one.kind, slug(one.metadata.name), ...path].join('/')
    },
  }
}

async function kept(client: Client): Promise<(PolicyManifest | PersonaManifest)[]> {
  const lists = await Promise.all(
    ['policies', 'personas'].map((kind) => listAll<ManifestRecord>(client, `/v1/${kind}`)),
  )
  return lists
    .flat()
    .flatMap(({ manifest }) => (manifest.kind === 'Policy' || manifest.kind === 'Persona' ? [manifest] : []))
}

/** Files come before what the server has under the same name: they may be about to replace it. */
async function silentRules(
  { manifests }: Linted,
  days: number,
  client: Client,
): Promise<{ findings: LintFinding[]; notes: string[] }> {
  const since = Date.now() - days * DAY_MS
  const [all, workloads, shifts] = await Promise.all([
    kept(client),
    listAll<WorkloadRecord>(client, '/v1/workloads'),
    listAll<ShiftRecord>(client, '/v1/shifts'),
  ])
  const names = new Set(manifests.map((one) => `${one.kind} ${slug(one.metadata.name)}`))
  const together = [...manifests, ...all.filter((one) => !names.has(`${one.kind} ${slug(one.metadata.name)}`))]
  const conversations: ConversationRecord[] = []
  const notes: string[] = []
  for (const { id, report } of workloads) {
    const path = `/v1/workloads/${encodeURIComponent(id)}/conversations?since=${since}&limit=${MOST}`
    const { items } = await client.get<Page<ConversationRecord>>(path)
    conversations.push(...items)
    if (items.length === MOST)
      notes.push(`${report.name} had more than ${MOST} conversations; only these were looked at`)
  }
  const oldest = conversations.reduce((least, one) => Math.min(least, one.start), Date.now())
  const hours = Math.max(1, Math.round((Date.now() - Math.max(oldest, since)) / 3_600_000))
  if (oldest > since + DAY_MS / 24)
    notes.push(
      `the server's conversations go back ${counted(hours, 'hour')}, not ${counted(days, 'day')}; what was before is not known`,
    )
  const findings = unusedRules(
    {
      policies: together.filter((one) => one.kind === 'Policy'),
      personas: together.filter((one) => one.kind === 'Persona'),
      workloads,
      shifts,
      now: Date.now(),
      conversations,
      span: hours === 1 ? 'the last hour' : `the last ${hours} hours`,
    },
    manifests.flatMap((one, index) => (one.kind === 'Policy' ? [{ index, policy: one }] : [])),
  )
  return { findings, notes }
}
