/**
 * Power over the domains of this host's libvirt: wishes come in, a few commands of virsh go out. What is expected to be
 * refused (a quota, a copy that cannot be made) is an `Outcome`, found out before anything is begun. A definition is changed
 * by libvirt's own commands; a copy's is its source's, with another identity.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Outcome, Refusal } from '../../../model/why.ts'
import { effectSync } from '../../fault.ts'
import type { Resized, Size } from '../qemu/machines.ts'
import { overQuota, type Quota } from '../qemu/quota.ts'
import { letGo } from './adopt.ts'
import { copyOf, type DomainCopy } from './copy.ts'
import { type Domain, readDomains } from './domain.ts'
import { listDomains } from './list.ts'
import { askLibvirt, changeLibvirt, named } from './virsh.ts'
import { readXml, writeXml } from './xml.ts'

export type Domains = {
  all(): Promise<readonly Domain[]>
  start(uuid: string): Promise<Outcome<void>>
  /** `ask`: the guest ends by itself within `ask` ms, else it is cut. */
  stop(uuid: string, how: { readonly ask: number } | 'cut'): Promise<Outcome<'asked' | 'cut'>>
  resize(uuid: string, size: Size): Promise<Outcome<Resized>>
  /** Of one that stands and has no disk. */
  clone(uuid: string, copy: DomainCopy): Promise<Outcome<string>>
  /** Ends it, and libvirt forgets it; its disks stay where they are. */
  destroy(uuid: string): Promise<Outcome<void>>
}

const LOOK_MS = 200
const done: Outcome<void> = { ok: true, value: undefined }

export function openDomains(uri: string, quota: Quota): Domains {
  const all = async () => [...(await listDomains(uri)).values()].filter((one) => one !== null)
  const find = async (uuid: string) => (await all()).find((one) => one.uuid === uuid) ?? null
  const change = (...argv: readonly string[]) => changeLibvirt(uri, argv)

  async function cut(uuid: string): Promise<void> {
    // It may have ended by itself in between.
    await change('destroy', named(uuid)).catch(async (error: Error) => {
      const now = await find(uuid)
      if (now !== null && now.id !== null) throw error
    })
  }

  return {
    all,
    async start(uuid) {
      const domain = await find(uuid)
      if (domain === null) return unknown(uuid)
      if (domain.id === null) await change('start', named(uuid))
      return done
    },
    async stop(uuid, how) {
      const domain = await find(uuid)
      if (domain === null) return unknown(uuid)
      if (domain.id !== null && how !== 'cut') {
        await change('shutdown', named(uuid), '--mode', domain.agent ? 'agent,acpi' : 'acpi').catch(() => {})
        for (const end = performance.now() + how.ask; performance.now() < end; await wait(LOOK_MS))
          if ((await find(uuid))?.id == null) return { ok: true, value: 'asked' }
      }
      if (domain.id !== null) await cut(uuid)
      return { ok: true, value: 'cut' }
    },
    async resize(uuid, size) {
      const live = await find(uuid)
      if (live === null) return unknown(uuid)
      const before = readDomains(await askLibvirt(uri, ['dumpxml', '--inactive', named(uuid)]))[0]!
      const after = { ...before, ...size }
      const refusal = overQuota(await all(), after, quota)
      if (refusal !== null) return refusal
      for (const argv of resizing(before, after)) await change(...argv)
      // More than it was started with there is only after another start; the balloon takes away and gives back below that.
      const held = Math.min(after.memoryMb, live.memoryMb)
      if (live.id !== null && size.memoryMb !== undefined) await change('setmem', named(uuid), `${held}M`, '--live')
      const isNow = live.id !== null && held === after.memoryMb
      const memory = after.memoryMb === before.memoryMb ? 'same' : isNow ? 'now' : 'next-start'
      return { ok: true, value: { memory, cpus: after.cpus === before.cpus ? 'same' : 'next-start' } }
    },
    async clone(uuid, copy) {
      const source = await find(uuid)
      if (source === null) return unknown(uuid)
      const refusal =
        uncopied(source) ??
        taken(await all(), copy) ??
        overQuota(await all(), { ...source, ...copy, uuid: randomUUID() }, quota)
      if (refusal !== null) return refusal
      const [definition] = readXml(await askLibvirt(uri, ['dumpxml', '--inactive', named(uuid)]))
      const made = randomUUID()
      await definedFrom(writeXml(copyOf(definition!, { ...copy, uuid: made })), (path) => change('define', path))
      return { ok: true, value: made }
    },
    async destroy(uuid) {
      const domain = await find(uuid)
      if (domain === null) return unknown(uuid)
      if (domain.id !== null) await cut(uuid)
      // One that was never defined for good went with its end.
      if ((await find(uuid)) !== null) await change('undefine', named(uuid))
      letGo(uuid)
      return done
    },
  }
}

/** A maximum is never below what is set: which of the two goes first depends on where it goes. */
function resizing(before: Domain, after: Domain): string[][] {
  const memory = (what: string) => [what, named(after.uuid), `${after.memoryMb}M`, '--config']
  const cpus = (...more: readonly string[]) => ['setvcpus', named(after.uuid), `${after.cpus}`, '--config', ...more]
  const inOrder = (grows: boolean, most: string[], now: string[]) => (grows ? [most, now] : [now, most])
  return [
    ...(after.memoryMb === before.memoryMb
      ? []
      : inOrder(after.memoryMb > before.memoryMb, memory('setmaxmem'), memory('setmem'))),
    ...(after.cpus === before.cpus ? [] : inOrder(after.cpus > before.cpus, cpus('--maximum'), cpus())),
  ]
}

function uncopied({ name, id, disks }: Domain): Refusal | null {
  if (id !== null)
    return refused(
      'domain-runs',
      `${name} runs under libvirt, which gives its memory to no other`,
      `stop ${name} first`,
    )
  if (disks === 0) return null
  return refused(
    'domain-has-disk',
    `${name} has ${disks} ${disks === 1 ? 'disk' : 'disks'}, in storage that is libvirt's to copy`,
    'copy it with virt-clone; the copy is found by itself when it runs',
  )
}

function taken(all: readonly Domain[], { name, link }: DomainCopy): Refusal | null {
  const other = all.find((one) => one.name === name || one.link?.name === link)
  if (other === undefined) return null
  const what = other.name === name ? `the name ${name}` : `the link ${link}`
  return refused('domain-exists', `${what} is taken by domain ${other.uuid}`, 'choose another')
}

/** virsh takes a definition from a file that nobody else may write to. */
async function definedFrom(text: string, define: (path: string) => Promise<unknown>): Promise<void> {
  const folder = effectSync('domain mkdir', () => mkdtempSync(join(tmpdir(), 'guise-domain-')))
  try {
    const path = join(folder, 'domain.xml')
    effectSync('domain write', () => writeFileSync(path, text, { mode: 0o600 }))
    await define(path)
  } finally {
    effectSync('domain remove', () => rmSync(folder, { recursive: true, force: true }))
  }
}

function refused(code: string, why: string, cure: string): Refusal {
  return { ok: false, code, why, cure }
}

const unknown = (uuid: string) =>
  refused('no-domain', `libvirt knows no domain ${uuid}`, 'look at guise machine list, or virsh list --all')
