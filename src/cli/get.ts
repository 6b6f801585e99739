/** `guise get KIND`, `guise describe KIND NAME`, `guise agents`: what there is. */
import type { Command } from 'commander'
import { slug } from '../model/ids.ts'
import type { PlanSummary } from '../model/plan-summary.ts'
import type {
  AgentRecord,
  AuditRecord,
  ManifestRecord,
  ShiftRecord,
  SourceRecord,
  WorkloadRecord,
} from '../model/records.ts'
import { action, CliError, type Client, clientOf, print } from './client.ts'
import { findWorkload, listAll } from './find.ts'
import { secretTable } from './secret.ts'
import { ago, table } from './table.ts'
import { readTopology, topologyTable } from './topology.ts'

type KindRow = { readonly path: string; readonly text: (items: never[], now: number) => string }

const manifestTable = (what: string) => (items: ManifestRecord[], now: number) =>
  table(
    ['NAME', 'VERSION', 'BUILT IN', 'CHANGED', 'DESCRIPTION'],
    items.map((one) => [
      one.manifest.metadata.name,
      String(one.version),
      one.builtin ? 'yes' : '',
      ago(one.updatedAt, now),
      one.manifest.metadata.description ?? '',
    ]),
    `No ${what} yet. Apply one with \`guise apply -f FILE\`; examples/ has some.`,
  )

/** What `get` and `describe` take, for completion. */
export const getKinds = () => Object.keys(KIND_ROWS)

const KIND_ROWS: Readonly<Record<string, KindRow>> = {
  workloads: { path: '/v1/workloads', text: workloadTable },
  personas: { path: '/v1/personas', text: manifestTable('personas') },
  policies: { path: '/v1/policies', text: manifestTable('policies') },
  feeds: { path: '/v1/feeds', text: manifestTable('feeds') },
  agents: { path: '/v1/agents', text: agentTable },
  sources: { path: '/v1/sources', text: sourceTable },
  plans: { path: '/v1/plans', text: planTable },
  shifts: { path: '/v1/shifts', text: shiftTable },
  secrets: { path: '/v1/secrets', text: secretTable },
  audit: { path: '/v1/audit', text: auditTable },
}

export function register(program: Command): void {
  const kinds = Object.keys(KIND_ROWS).join(', ')
  program
    .command('get')
    .description(`list what there is: ${kinds}, topology`)
    .argument('<kind>', `${kinds}, topology`)
    .argument('[name]', 'one of them, whole; of topology: segment, persona or workload')
    .action(action(get))
  program
    .command('describe')
    .description('one thing, whole')
    .argument('<kind>', kinds)
    .argument('<name>', 'name or id')
    .action(action(describe))
  program
    .command('agents')
    .description('list agents')
    .action(action((command: Command) => get('agents', undefined, command)))
}

function rowOf(kind: string): KindRow {
  const key = Object.keys(KIND_ROWS).find(
    (one) => one === kind || one === `${kind}s` || (kind === 'policy' && one === 'policies'),
  )
  if (key === undefined)
    throw new CliError(
      `There is no kind ${kind}. Use one of ${Object.keys(KIND_ROWS).join(', ')}, topology${/^tokens?$/.test(kind) ? '; for tokens, `guise token list`' : ''}.`,
      2,
    )
  return KIND_ROWS[key]!
}

async function get(kind: string, name: string | undefined, command: Command): Promise<void> {
  if (kind === 'topology') {
    const topology = await readTopology(clientOf(command), name)
    print(command, topology, () => topologyTable(topology))
    return
  }
  const row = rowOf(kind)
  if (name !== undefined) return describe(kind, name, command)
  const items = await listAll<never>(clientOf(command), row.path)
  print(command, { items, next: null }, () => row.text(items, Date.now()))
}

async function describe(kind: string, name: string, command: Command): Promise<void> {
  const one = await fetchOne(clientOf(command), rowOf(kind).path, name)
  const { stringify } = await import('yaml')
  print(command, one, (value) => stringify((value as { manifest?: unknown }).manifest ?? value))
}

async function fetchOne(client: Client, path: string, name: string): Promise<unknown> {
  if (path === '/v1/workloads') return findWorkload(client, name)
  if (path === '/v1/sources') return findSource(client, name)
  const id = /\/(personas|policies|feeds)$/.test(path) ? slug(name) : name
  try {
    return await client.get(`${path}/${encodeURIComponent(id)}`)
  } catch (error) {
    const code = error instanceof CliError ? (error.problem as { code?: string } | null)?.code : null
    const kind = path.split('/').at(-1)!
    if (code === 'not-found')
      throw new CliError(
        `There is no ${kind.replace(/ies$/, 'y').replace(/s$/, '')} ${name}. See \`guise get ${kind}\`.`,
        1,
      )
    throw error
  }
}

export function workloadTable(items: readonly WorkloadRecord[], now: number): string {
  const risky = [...items].sort(
    (a, b) => (b.risk?.value ?? 0) - (a.risk?.value ?? 0) || (a.report.name < b.report.name ? -1 : 1),
  )
  return table(
    ['NAME', 'WEARS', 'ASSIGNED', 'BELIEVED', 'RISK', 'CONTAINED', 'SEEN', 'ID'],
    risky.map((one) => [
      one.report.name,
      one.worn?.name ?? '–',
      one.assigned?.name ?? '–',
      one.belief?.believed == null
        ? 'abstains'
        : `${one.belief.believed} ${(one.belief.personas[0]?.p ?? 0).toFixed(2)}`,
      (one.risk?.value ?? 0).toFixed(2),
      one.containedUntil !== null && one.containedUntil > now
        ? `${Math.ceil((one.containedUntil - now) / 60_000)} min left`
        : '',
      ago(one.lastSeen, now),
      one.id,
    ]),
    'No workloads yet. Start an agent with `guise agent`, or a lab with `guise up --lab`.',
  )
}

function agentTable(items: readonly AgentRecord[], now: number): string {
  return table(
    ['AGENT', 'HOST', 'MODE', 'GENERATION', 'STATE', 'REPORTED'],
    items.map((one) => [
      one.id,
      one.host,
      one.mode,
      String(one.applied?.generation.n ?? '–'),
      (one.applied?.state as string | undefined) ?? '–',
      ago(one.lastReport, now),
    ]),
    'No agents yet. Start `guise agent` here, as root; for another host `guise token create --enrol --host NAME` prints its command.',
  )
}

export function sourceTable(items: readonly SourceRecord[], now: number): string {
  return table(
    ['SOURCE', 'AGENT', 'STATE', 'FLOWS/S', 'FLOWS', 'LOST', 'REFUSED', 'LAG', 'EXPORTERS', 'SEEN', 'WHY'],
    items.map((one) => [
      one.name,
      one.agent,
      one.state,
      one.flowsPerSecond.toFixed(1),
      String(one.flows),
      `${one.lost}${one.lostLately > 0 ? ` (+${one.lostLately})` : ''}`,
      String(one.refused),
      lag(one.lagMs),
      one.exporters.length === 0 ? '–' : String(one.exporters.length + one.exportersMore),
      ago(one.lastSeen, now),
      one.why,
    ]),
    'No sources yet. Start an agent with `guise agent`; `--source netflow=ADDRESS:PORT,…` adds one.',
  )
}

/** A recording that is sent again is years behind. */
function lag(ms: number | null): string {
  if (ms === null) return '–'
  const seconds = ms / 1_000
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** By id, by name, or by `AGENT/NAME` when two agents have one of that name. */
async function findSource(client: Client, name: string): Promise<unknown> {
  const all = await listAll<SourceRecord>(client, '/v1/sources')
  const found = all.filter((one) => one.id === name || one.name === name || `${one.agent}/${one.name}` === name)
  if (found.length === 1) return client.get(`/v1/sources/${encodeURIComponent(found[0]!.id)}`)
  if (found.length === 0) throw new CliError(`There is no source ${name}. See \`guise get sources\`.`, 1)
  throw new CliError(
    `${found.length} agents have a source ${name}. Say which: ${found.map((one) => `${one.agent}/${one.name}`).join(', ')}.`,
    2,
  )
}

export function planTable(items: readonly PlanSummary[], now: number): string {
  return table(
    ['PLAN', 'GEN', 'WHAT', 'STATE', 'APPROVAL', 'CHANGES', 'CUTS', 'LEFT', 'MADE'],
    items.map(({ plan, title, state, approvedBy, deadline }) => [
      plan.id,
      String(plan.generation.n),
      title,
      state,
      `${plan.approval}${approvedBy.length > 0 ? ` (${approvedBy.length})` : ''}`,
      String(plan.blastRadius.workloads),
      String(plan.blastRadius.conversationsCut),
      deadline === null ? '' : `${Math.max(0, Math.ceil((deadline - now) / 1000))} s`,
      ago(plan.createdAt, now),
    ]),
    'No plans yet. One appears when a persona, a policy or a risk changes what somebody should wear.',
  )
}

export function shiftTable(items: readonly ShiftRecord[], now: number): string {
  return table(
    ['SHIFT', 'WORKLOAD', 'FROM', 'TO', 'STATE', 'BY', 'ENDS'],
    items.map((one) => [
      one.id,
      one.workload,
      one.from?.name ?? '–',
      one.to.name,
      one.state,
      one.requestedBy,
      one.until === null ? 'stays' : one.until > now ? `in ${Math.ceil((one.until - now) / 1000)} s` : 'ended',
    ]),
    'No shifts yet. Make one with `guise shift WORKLOAD PERSONA`.',
  )
}

function auditTable(items: readonly AuditRecord[], now: number): string {
  return table(
    ['N', 'WHEN', 'ACTOR', 'ACTION', 'OBJECT', 'SUMMARY'],
    items.map((one) => [String(one.n), ago(one.at, now), one.actor, one.action, one.object, one.summary]),
    'Nothing was done yet.',
  )
}
