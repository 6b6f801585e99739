/**
 * Which model is in force: the shipped one unless a person promoted another. In: a person's word. Out: a line of the history
 * with its audit, then the change itself, at once and in memory; after a restart the last line is gone by again.
 */
import { setImmediate } from 'node:timers/promises'
import type { Model } from '../learn/model.ts'
import { SHIPPED_MODEL } from '../learn/model.ts'
import { type ReadModel, readModelFile } from '../learn/model-file.ts'
import { nameBy } from '../learn/shadow.ts'
import type { TenantId } from '../model/ids.ts'
import type { ModelAct, ModelPromoted, ModelPromotion, ModelRecord, ModelShadow } from '../model/model-record.ts'
import type { Store } from '../model/store.ts'
import type { Outcome, Refusal } from '../model/why.ts'
import type { Discovery } from './discovery.ts'
import type { Fleet } from './fleet.ts'
import { createInTurn } from './in-turn.ts'

export type ModelDesk = {
  /** At the start: the shipped one is in the record, and what the record says is in force. */
  restore(): Promise<void>
  promote(id: string, by: string, why: string): Promise<Outcome<ModelPromoted>>
  rollback(by: string, why: string): Promise<Outcome<ModelPromoted>>
  /** How the fleet's last windows would be called by that model. */
  shadow(id: string): Promise<Outcome<ModelShadow>>
}

type Deps = {
  readonly tenant: TenantId
  readonly store: Pick<Store, 'models'>
  readonly fleet: Fleet
  readonly discovery: Pick<Discovery, 'model' | 'use' | 'taught'>
  readonly clock: () => number
  readonly log: { warn(detail: object, text: string): void; error(detail: object, text: string): void }
  /** Of this release, unless a test says otherwise. */
  readonly shipped?: object
}

/** Workloads judged by another model for a look: about a fifth of a second of one processor. */
const MOST_JUDGED = 1_000
const AT_A_TIME = 50
const MOST_CHANGES = 20

export function createModelDesk(deps: Deps): ModelDesk {
  const { tenant, store, fleet, discovery, clock, log } = deps
  const inTurn = createInTurn()

  async function read(id: string): Promise<Outcome<ReadModel>> {
    const file = await store.models.file(tenant, id)
    return file === null ? unknownModel(id) : readModelFile(file)
  }

  /** The line, with its audit; what follows it in memory cannot fail. */
  async function write(
    line: Omit<ModelPromotion, 'n' | 'at'>,
    newest: ModelPromotion | undefined,
    name: string,
  ): Promise<Outcome<ModelPromotion>> {
    const whole = { ...line, n: (newest?.n ?? 0) + 1, at: clock() }
    const summary = `${name}${line.why === '' ? '' : `: ${line.why}`}`.slice(0, 500)
    const audit = { actor: line.by, action: ACTIONS[line.act], object: line.model, summary }
    const written = await store.models.promote(tenant, whole, audit)
    if (written.ok) return { ok: true, value: written.value }
    return written.code === 'missing' ? unknownModel(line.model) : movedOn()
  }

  async function record(id: string): Promise<ModelRecord> {
    const found = (await store.models.all(tenant)).find((one) => one.id === id)
    if (found === undefined) throw new Error(`model ${id} was read from the record, and is not listed there`)
    return found
  }

  async function restore(): Promise<void> {
    const shipped = readModelFile(deps.shipped ?? SHIPPED_MODEL)
    if (!shipped.ok) throw new Error(`reading the shipped model: ${shipped.why} ${shipped.cure}`)
    const { id, name } = shipped.value.record
    const known = await store.models.all(tenant)
    const isNew = known.every((one) => one.id !== id)
    const own: ModelRecord = { ...shipped.value.record, kind: 'shipped', addedBy: 'guise', addedAt: clock() }
    const [newest] = await store.models.history(tenant)
    const stays = newest !== undefined && newest.model !== id && !isByDefault(newest, known)
    if (isNew) {
      const told = stays ? `${name} ships with this release; what a person promoted stays in force` : `${name} ships`
      const audit = { actor: 'guise', action: 'model.ship', object: id, summary: told }
      await store.models.add(tenant, own, shipped.value.json, audit)
      if (stays) log.warn({ model: id, inForce: newest.model }, 'a newer model ships with this release; not in force')
    }
    if (newest?.model === id) return discovery.use(shipped.value.model)
    if (stays) {
      const kept = await read(newest.model)
      if (kept.ok) return discovery.use(kept.value.model)
      log.error({ model: newest.model, why: kept.why }, 'the model in force cannot be used; the shipped one takes over')
      const why = `${newest.model} cannot be used by this release. ${kept.why}`.slice(0, 500)
      await write({ model: id, act: 'shipped', by: 'guise', why, back: newest.n }, newest, name)
      return discovery.use(shipped.value.model)
    }
    const why = newest === undefined ? 'it ships with Guise' : 'it ships with this release'
    await write({ model: id, act: 'shipped', by: 'guise', why, back: newest?.n ?? null }, newest, name)
    discovery.use(shipped.value.model)
  }

  async function shadowOf(candidate: Model): Promise<ModelShadow> {
    const judged = [...fleet.live.values()].filter(({ seen }) => seen.length > 0).slice(0, MOST_JUDGED)
    const [present, other] = [discovery.model(), discovery.taught(candidate)]
    const changes: ModelShadow['changes'][number][] = []
    let windows = 0
    for (const [i, { workload, name, seen }] of judged.entries()) {
      // Reports come in meanwhile.
      if (i % AT_A_TIME === AT_A_TIME - 1) await setImmediate()
      windows += seen.length
      const [from, to] = [nameBy(present, seen), nameBy(other, seen)]
      if (from !== to) changes.push({ workload, name, from, to })
    }
    return {
      ...{ workloads: judged.length, windows, wouldChange: changes.length },
      changes: changes.slice(0, MOST_CHANGES),
    }
  }

  async function putInForce(
    line: Omit<ModelPromotion, 'n' | 'at'>,
    newest: ModelPromotion | undefined,
  ): Promise<Outcome<ModelPromoted>> {
    const found = await read(line.model)
    if (!found.ok) return found
    const [model, shadow] = [await record(line.model), await shadowOf(found.value.model)]
    const promotion = await write(line, newest, model.name)
    if (!promotion.ok) return promotion
    discovery.use(found.value.model)
    return { ok: true, value: { promotion: promotion.value, model, shadow } }
  }

  return {
    restore,
    promote: (id, by, why) =>
      inTurn(async () => {
        const [newest] = await store.models.history(tenant)
        if (newest?.model === id)
          return {
            ok: false,
            code: 'model-in-force',
            why: `Model ${id} is in force already.`,
            cure: 'List models with guise learn models.',
          }
        return putInForce({ model: id, act: 'promoted', by, why, back: newest?.n ?? null }, newest)
      }),
    rollback: (by, why) =>
      inTurn(async () => {
        const lines = await store.models.history(tenant)
        const [newest] = lines
        const target = newest?.back === undefined ? undefined : lines.find(({ n }) => n === newest.back)
        if (target === undefined)
          return {
            ok: false,
            code: 'nothing-before',
            why: 'Nothing was in force before the model that is.',
            cure: 'Promote another one: guise learn models lists them.',
          }
        return putInForce({ model: target.model, act: 'rolled-back', by, why, back: target.back }, newest)
      }),
    shadow: async (id) => {
      const found = await read(id)
      return found.ok ? { ok: true, value: await inTurn(() => shadowOf(found.value.model)) } : found
    },
  }
}

const ACTIONS: Readonly<Record<ModelAct, string>> = {
  shipped: 'model.ship',
  promoted: 'model.promote',
  'rolled-back': 'model.rollback',
}

/** Nobody chose it: the next release may bring another. A person's promotion of a shipped one is a choice. */
function isByDefault(newest: ModelPromotion, known: readonly ModelRecord[]): boolean {
  return newest.act !== 'promoted' && known.find(({ id }) => id === newest.model)?.kind === 'shipped'
}

function unknownModel(id: string): Refusal {
  return {
    ...{ ok: false, code: 'not-found', why: `There is no model ${id}.` },
    cure: 'List models with guise learn models.',
  }
}

function movedOn(): Refusal {
  return {
    ...{ ok: false, code: 'model-moved-on', why: 'Another model was put in force meanwhile.' },
    cure: 'Look at the history again, then say it again.',
  }
}
