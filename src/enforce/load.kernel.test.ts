/** The same changes by each way into the kernel: each must leave the same table, judge alike, and complain in nft's words. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Network } from '../../bench/dispatch/network.ts'
import { randomState } from '../../bench/dispatch/random.ts'
import { shootRandom } from '../../bench/dispatch/shoot.ts'
import { Loading } from '../../bench/policy/space.ts'
import { seeded } from '../../bench/seeded.ts'
import { needRoot } from '../../test/need.ts'
import { compileDelta, confirmDelta, removeText, revertDelta } from '../compile/delta.ts'
import { type Compiled, compileAgent } from '../compile/nft.ts'
import { differences, readBack } from '../compile/parse.ts'
import { readTableText } from './table-text.ts'

const skip = needRoot()
const WAYS = ['netlink', 'libnftables', 'program', 'quickest'] as const
/** Two of them share an interface. */
const BINDINGS = [1, 2, 3, 4].map((i) => ({
  key: `w${i}`,
  interface: i > 1 && i < 4 ? 'lan' : `w${i}h`,
  addresses: [`10.77.${i}.2`, `fd77:${i}::2`],
  driver: i > 1 && i < 4 ? ('gateway' as const) : ('netns' as const),
  mac: `02:00:00:00:00:0${i}`,
}))
let network: Network
let packets: Loading
let space: Loading
before(async () => {
  if (skip !== false) return
  space = await Loading.create('l')
  network = await Network.create('L')
  packets = Loading.join(network.router)
})
after(async () => {
  if (skip !== false) return
  await space.close()
  await packets.close()
  await network.close()
})

for (const way of WAYS) {
  test(`${way}: a walk through states leaves exactly the last one`, { skip }, async () => {
    const random = seeded(23)
    await space.load('program', removeText())
    let held: Compiled | null = null
    for (let n = 0; n < 8; n++) {
      const next = compileAgent(randomState(random, n), BINDINGS)
      const now = Date.now()
      const course = random(3)
      await space.load(way, compileDelta(held, next, { pendingMs: course === 0 ? null : 60_000, now }))
      if (course === 1) await space.load(way, confirmDelta(held, next, now))
      if (course === 2) await space.load(way, revertDelta(held, next, now))
      if (course !== 2) held = next
      if (held === null) continue
      const found = readBack(await space.list())
      assert.ok(found !== null)
      assert.deepEqual(differences(held, found), [])
      assert.equal(found.confirmed, held.hash)
      assert.equal(found.pending, null)
    }
  })

  test(`${way}: 60 random packets are judged as the evaluator does`, { skip }, async () => {
    const shots = await shootRandom(network, 9, 3, 20, (text) => packets.load(way, text))
    assert.deepEqual(shots.examples, [])
    assert.ok(shots.allowed > 5 && shots.allowed < 55, `${shots.allowed} allowed: the rules must matter`)
  })

  test(`${way}: a refusal says what and why, and nothing of it is in the kernel`, { skip }, async () => {
    const wanted = compileAgent(randomState(seeded(2), 2), BINDINGS)
    await space.load(way, compileDelta(null, wanted, { pendingMs: null, now: Date.now() }))
    const text = 'delete element inet guise ours { "w1h" }\nadd element inet guise eg { "w9h" : goto e_none }\n'
    await assert.rejects(
      space.load(way, text),
      way === 'netlink' ? /add elements of eg: netlink errno 2/ : /nft.*No such file or directory[\s\S]*e_none/,
    )
    assert.deepEqual(differences(wanted, readBack(await space.list())!), [])
  })
}

test('every kind of key and timeout reads back alike, whichever way it went in', { skip }, async () => {
  const text = [
    'add element inet guise ours { "w1h", "abcdefghijklmno" }',
    'add element inet guise ours_host { ipv4, ipv6 }',
    'add element inet guise source4 { "w1h" . 10.0.0.1, "w2h" . 255.255.255.255 }',
    'add element inet guise source6 { "w1h" . fd00::1, "w2h" . 2001:db8:1:2:3:4:5:6 }',
    'add element inet guise source_mac { "w1h" . 02:00:00:ab:cd:ef }',
    'add element inet guise reflex_host4 { 192.0.2.1 timeout 90000000ms }',
    'add element inet guise reflex_host6 { 2001:db8::1 timeout 90000000ms }',
    'add element inet guise device_mac4 { "lan" . 10.0.0.9 . 02:00:00:ab:cd:ef }',
    'add element inet guise device_mac6 { "lan" . fd00::9 . 02:00:00:ab:cd:ef }',
    'add element inet guise reflex_dev4 { "lan" . 10.0.0.9 . 192.0.2.1 timeout 90000000ms }',
    'add element inet guise reflex_dev6 { "lan" . fd00::9 . 2001:db8::1 timeout 90000000ms }',
    'add element inet guise dev_eg4_pending { "lan" . 10.0.0.9 timeout 90000000ms : goto refuse_unbound }',
    'add element inet guise dev_in_contain6 { "lan" . fd00::9 timeout 90000000ms : jump refuse_unbound }',
    'add element inet guise eg { "w1h" : goto refuse_unbound }',
    'add element inet guise host_eg_pending { ipv4 timeout 90000000ms : goto refuse_unbound }',
    'add element inet guise eg_contain { "w1h" timeout 90000000ms : jump refuse_unbound }',
    'add element inet guise mac_known { "gone" }',
    'delete element inet guise mac_known { "gone" }',
    'add element inet guise mac_known { "gone" }',
    'flush set inet guise mac_known',
    '',
  ].join('\n')
  const empty = compileAgent({ ...randomState(seeded(1), 1), workloads: [], sets: [], failSafe: [] }, [])
  const listings: string[] = []
  for (const way of ['netlink', 'libnftables', 'program'] as const) {
    await space.load('program', compileDelta(null, empty, { pendingMs: null, now: 0 }))
    const { by } = await space.load(way, text)
    assert.equal(by, way)
    // What is left of a time, and handles, differ from one moment to the next.
    listings.push(
      JSON.stringify(await space.list())
        .replace(/"expires": ?\d+/g, '')
        .replace(/"handle": ?\d+/g, ''),
    )
  }
  assert.match(listings[0]!, /192\.0\.2\.1/)
  assert.deepEqual(listings[1], listings[0])
  assert.deepEqual(listings[2], listings[0])
})

/** Only what a batch cannot carry goes another way. */
const batchOr = (text: string) => (readTableText(text) === null ? 'libnftables' : 'netlink')

/** As nft lists it, but for handles, and what is left of a time. */
async function listed(): Promise<string> {
  return JSON.stringify(await space.list(), null, 1).replace(/"(expires|handle)": ?\d+/g, '')
}

test('a table of rules reads back alike, rule by rule, whichever way it went in', { skip }, async () => {
  const host = { key: 'w4', interface: null, addresses: ['10.77.4.2', 'fd77:4::2'], driver: 'host' as const }
  const now = Date.now()
  for (let n = 0; n < 8; n++) {
    const state = { ...randomState(seeded(n), n), mode: n % 4 === 3 ? ('observe' as const) : ('enforce' as const) }
    const text = compileDelta(null, compileAgent(state, [...BINDINGS.slice(0, 3), host]), { pendingMs: null, now })
    const listings: string[] = []
    for (const way of ['netlink', 'libnftables', 'program'] as const) {
      await space.load('program', removeText())
      assert.equal((await space.load(way, text)).by, way === 'netlink' ? batchOr(text) : way)
      listings.push(await listed())
    }
    assert.equal(listings[0], listings[2], `state ${n}`)
    assert.equal(listings[1], listings[2], `state ${n}`)
  }
})

test('all that compile writes goes by netlink; what netlink does not know goes by libnftables, whole', {
  skip,
}, async () => {
  const one = compileAgent(randomState(seeded(3), 3), BINDINGS)
  const whole = await space.load('quickest', compileDelta(null, one, { pendingMs: null, now: 0 }))
  assert.equal(whole.by, 'netlink')
  const two = compileAgent(randomState(seeded(4), 4), BINDINGS)
  assert.equal((await space.load('quickest', compileDelta(one, two, { pendingMs: 60_000, now: 0 }))).by, 'netlink')
  assert.equal((await space.load('quickest', confirmDelta(one, two, 0))).by, 'netlink')
  const text = 'add chain inet guise e_x\ntable inet guise {\n  chain e_x {\n    ip ttl 5 accept\n  }\n}\n'
  assert.equal((await space.load('quickest', text)).by, 'libnftables')
  assert.equal(readBack(await space.list())!.chains.get('e_x')?.length, 1)
})

test('10,000 elements in one batch are all there', { skip }, async () => {
  const addresses = Array.from({ length: 10_000 }, (_, i) => `10.9.${i >> 8}.${i & 255}`)
  await space.load('program', `${removeText()}table inet guise {\n set set_big_4_32 { type ipv4_addr; }\n}\n`)
  await space.load('netlink', `add element inet guise set_big_4_32 { ${addresses.join(', ')} }\n`)
  const found = readBack(await space.list())!
  assert.equal(found.sets.get('set_big_4_32')?.size, addresses.length)
  const { by } = await space.load('netlink', `delete element inet guise set_big_4_32 { ${addresses.join(', ')} }\n`)
  assert.equal(by, 'netlink')
  assert.equal(readBack(await space.list())!.sets.get('set_big_4_32')?.size, 0)
})

test('without koffi everything goes by the program, structure and elements and listing', { skip }, async () => {
  const bare = await Loading.create('k', 'without koffi')
  try {
    const wanted = compileAgent(randomState(seeded(4), 4), BINDINGS)
    assert.equal(
      (await bare.load('quickest', compileDelta(null, wanted, { pendingMs: null, now: Date.now() }))).by,
      'program',
    )
    assert.equal((await bare.load('quickest', 'add element inet guise ours { "w9h" }\n')).by, 'program')
    assert.deepEqual(differences(wanted, readBack(await bare.list())!), [
      `set ours holds ${wanted.sets.get('ours')!.elements.size + 1} elements that are not the ${wanted.sets.get('ours')!.elements.size} planned`,
    ])
  } finally {
    await bare.close()
  }
})
