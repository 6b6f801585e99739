/** Definitions as libvirt 9.0 writes them, and what is made of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { copyOf } from './copy.ts'
import { readDomains } from './domain.ts'
import { BadXml, readXml, writeXml } from './xml.ts'

const UUID = 'd03326c7-ef8c-40c1-ace2-21c712df8ef1'
const OTHER = '1b44f76a-aa08-4dd2-b140-54e950081daf'
const DEVICES = `
    <disk type='file' device='disk'><source file='/var/lib/libvirt/images/web &amp; more.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
    <interface type='ethernet'>
      <mac address='52:54:00:af:79:c4'/>
      <source><ip address='10.78.5.1' family='ipv4' prefix='24'/></source>
      <target dev='gweb'/>
      <filterref filter='clean-traffic'><parameter name='IP' value='10.78.5.2'/><parameter name='IP' value='$(id)'/></filterref>
    </interface>
    <interface type='network'><mac address='52:54:00:af:79:c5'/><source network='default'/><target dev='vnet3'/></interface>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>`
const definition = (devices = DEVICES, attributes = "type='kvm' id='7'") => `<domain ${attributes}>
  <name>web 1/übung</name>
  <uuid>${UUID}</uuid>
  <description>it &lt;is&gt; &quot;mine&quot;</description>
  <memory unit='KiB'>131072</memory>
  <currentMemory unit='KiB'>65536</currentMemory>
  <vcpu placement='static' current='1'>2</vcpu>
  <devices>${devices}</devices>
</domain>
`

test('of a definition is read what Guise needs of it', () => {
  assert.deepEqual(readDomains(definition()), [
    {
      ...{ uuid: UUID, name: 'web_1__bung', id: 7, memoryMb: 128, cpus: 2, disks: 1, agent: true },
      ...{ link: { name: 'gweb', bridged: false }, addresses: ['10.78.5.2'] },
    },
  ])
})

test('one that stands has no number, and a link without a name is none; one on a bridge is told apart', () => {
  const [standing] = readDomains(
    definition("<interface type='network'><source network='default'/></interface>", "type='kvm'"),
  )
  assert.deepEqual([standing?.id, standing?.link, standing?.agent], [null, null, false])
  const [bridged] = readDomains(
    definition("<interface type='bridge'><source bridge='br0'/><target dev='vnet0'/></interface>"),
  )
  assert.deepEqual(bridged?.link, { name: 'vnet0', bridged: true })
  const [odd] = readDomains(definition("<interface type='ethernet'><target dev='../../etc'/></interface>"))
  assert.equal(odd?.link, null)
})

test('several at once are all read, and half of one is none', () => {
  const two = `${definition()}\n${definition().replaceAll(UUID, OTHER)}`
  assert.deepEqual(
    readDomains(two).map(({ uuid }) => uuid),
    [UUID, OTHER],
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: definition().trimEnd().length - 1 }), (end) => {
      assert.throws(() => readDomains(definition().slice(0, end)), BadXml)
    }),
  )
  for (const [from, to] of [
    [UUID, `${UUID}; destroy`],
    ['131072', '-1'],
    ["unit='KiB'", "unit='parsecs'"],
    ['<vcpu', '<vcpu>2</vcpu><vcpu'],
    ['<domain', '<network'],
  ] as const)
    assert.throws(() => readDomains(definition().replace(from, to)), BadXml, `${from} → ${to}`)
})

test('a copy has an identity of its own, and is its source in everything else', () => {
  const [source] = readXml(definition())
  const text = writeXml(copyOf(source!, { uuid: OTHER, name: 'web-2', link: 'gweb2' }))
  const [copy] = readDomains(text)
  assert.deepEqual([copy?.uuid, copy?.name, copy?.link], [OTHER, 'web-2', { name: 'gweb2', bridged: false }])
  assert.doesNotMatch(text, /52:54:00|gweb["'&;]|vnet3|10\.78\.5\.1|d03326c7/)
  assert.match(text, /<source network="default">/)
  assert.match(text, /web &#38; more\.qcow2/)
  assert.deepEqual([copy?.memoryMb, copy?.cpus, copy?.agent], [128, 2, true])
})
