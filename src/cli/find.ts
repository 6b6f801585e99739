/** People name workloads as they call them: by id, key or name. */
import type { Page, WorkloadRecord } from '../model/records.ts'
import { CliError, type Client } from './client.ts'

/** Every page of a list, to its end. */
export async function listAll<T>(client: Client, path: string): Promise<T[]> {
  const items: T[] = []
  const seen = new Set<string>()
  let cursor: string | null = null
  for (;;) {
    const query: string = `${path.includes('?') ? '&' : '?'}limit=1000${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    const page: Page<T> = await client.get<Page<T>>(`${path}${query}`)
    items.push(...page.items)
    cursor = page.next
    if (cursor === null) return items
    if (seen.has(cursor))
      throw new CliError(
        `The server goes round in circles listing ${path}. Update it to the version of this command.`,
        1,
      )
    seen.add(cursor)
  }
}

export async function findWorkload(client: Client, wanted: string): Promise<WorkloadRecord> {
  const all = await listAll<WorkloadRecord>(client, '/v1/workloads')
  const exact = all.filter((one) => one.id === wanted || one.report.key === wanted)
  const found = exact.length > 0 ? exact : all.filter((one) => one.report.name === wanted)
  if (found.length === 1) return found[0]!
  if (found.length > 1)
    throw new CliError(
      `${wanted} is the name of ${found.length} workloads: ${found.map((one) => one.id).join(', ')}. Use an id.`,
      1,
    )
  throw new CliError(`There is no workload ${wanted}. See \`guise get workloads\`.`, 1)
}
