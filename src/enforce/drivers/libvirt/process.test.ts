/** Which process a domain is, against a /proc made for it; whose libvirt is asked; what goes through a door. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DRIVERS } from '../../../model/facets.ts'
import { domainKey, knownPlace } from '../places.ts'
import { guestOf, runInGuest } from '../qemu/guest-agent.ts'
import { domainDoor } from './door.ts'
import { isInLibvirtCgroup, processOfDomain } from './process.ts'
import { askLibvirt, libvirtHere } from './virsh.ts'

const UUID = '00000000-0000-4000-8000-00000000feed'
const folder = mkdtempSync(join(tmpdir(), 'guise-proc-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function processLike(pid: number, argv: readonly string[], tap: string | null, cgroup = '0::/\n'): void {
  const own = join(folder, `${pid}`)
  mkdirSync(join(own, 'fdinfo'), { recursive: true })
  writeFileSync(join(own, 'cmdline'), `${argv.join('\0')}\0`)
  writeFileSync(join(own, 'cgroup'), cgroup)
  if (tap !== null) writeFileSync(join(own, 'fdinfo', '31'), `pos:\t0\nflags:\t0100002\niff:\t${tap}\n`)
}

test('the process of a domain carries its uuid and holds its tap: saying so is not enough', () => {
  processLike(10, ['qemu-system-x86_64', '-uuid', UUID], null)
  processLike(11, ['qemu-system-x86_64', '-uuid', UUID], 'gother')
  processLike(12, [UUID], 'gweb')
  assert.equal(processOfDomain(UUID, 'gweb', folder), null)
  processLike(13, ['qemu-system-x86_64', '-name', 'guest=web', '-uuid', UUID], 'gweb')
  assert.equal(processOfDomain(UUID, 'gweb', folder), 13)
})

test('where libvirt keeps cgroups, its own are seen in both layouts', () => {
  const scope = 'machine-qemu\\x2d1\\x2dweb.scope/libvirt/emulator'
  const kept = { 20: `0::/machine.slice/${scope}\n`, 21: '4:memory:/machine/qemu-1-web.libvirt-qemu\n0::/\n' }
  for (const [pid, text] of Object.entries(kept)) {
    processLike(Number(pid), [], null, text)
    assert.equal(isInLibvirtCgroup(Number(pid), folder), true, text)
  }
  for (const text of ['0::/system.slice/libvirtd.service\n', '0::/user.slice/machine\n', '1:cpu:/machinery\n']) {
    processLike(22, [], null, text)
    assert.equal(isInLibvirtCgroup(22, folder), false, text)
  }
})

test('only a libvirt of this host is asked, and only where somebody listens', async () => {
  const socket = join(folder, 'libvirt-sock')
  const at = (uri: string) => libvirtHere({ LIBVIRT_DEFAULT_URI: uri })
  const own = `qemu+unix:///system?socket=${socket}`
  assert.equal(at(own), null)
  writeFileSync(socket, '')
  assert.equal(at(own), own)
  for (const uri of [
    'qemu+ssh://elsewhere/system',
    'qemu:///session',
    'xen:///system',
    `${own}&command=sh`,
    `${own}/../x y`,
  ]) {
    assert.equal(at(uri), null, uri)
    await assert.rejects(askLibvirt(uri, ['list']), /not a libvirt of this host/)
  }
  await assert.rejects(askLibvirt(own, ['qemu-agent-command', UUID, 'x'.repeat(200_000)]), /too long for virsh/)
})

test('its place is known by its key alone, and nothing goes through the door of one that does not run', async () => {
  const place = knownPlace({ key: domainKey(UUID), driver: 'libvirt' })
  assert.deepEqual(place, { monitor: domainDoor(UUID) })
  assert.equal(guestOf(place.monitor ?? null), place.monitor)
  assert.deepEqual(knownPlace({ key: 'libvirt:../../etc', driver: 'libvirt' }), {})
  assert.equal(guestOf('/run/guise/domains/../agent'), null)
  assert.ok(DRIVERS.includes('libvirt'))
  await assert.rejects(runInGuest(domainDoor(UUID), 'cat', []), /domain 00000000-.* does not run/)
})
