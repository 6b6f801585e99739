import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AgentState, RuleList } from '../model/desired.ts'
import { compileDelta, confirmDelta, fullText, removeText, revertDelta } from './delta.ts'
import { compileAgent, reflexElements } from './nft.ts'
import type { Binding } from './tree.ts'
import { encodeId, encodeSetName } from './words.ts'

const why = (rule: string) => ({ rule, text: 'test' })
const OPEN: RuleList = { rules: [], otherwise: 'allow', why: why('open') }
const WEB: RuleList = {
  rules: [
    {
      verdict: 'deny',
      match: { peer: { kind: 'set', set: 'feed:bad' }, service: null },
      why: why('BLOCK_OUTBOUND_LOW_REP/0'),
    },
    {
      verdict: 'allow',
      match: { peer: { kind: 'set', set: 'persona:database' }, service: { protocol: 'tcp', from: 5432, to: 5433 } },
      why: why('persona:web/allow/0'),
    },
    {
      verdict: 'allow',
      match: {
        peer: { kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.9.0.0/16'] },
        service: { protocol: 'icmp', type: 8 },
      },
      why: why('persona:web/allow/1'),
    },
    {
      verdict: 'deny',
      match: { peer: { kind: 'set', set: 'persona:database', not: true }, service: { protocol: 'udp-any' } },
      why: why('persona:web/deny/2'),
    },
  ],
  otherwise: 'deny',
  why: why('default-deny'),
}
const BINDINGS: Binding[] = [
  { key: 'web', interface: 'gz1', addresses: ['10.0.0.2', 'fd00::2'], driver: 'netns', mac: '02:00:00:00:00:01' },
  { key: 'db', interface: 'gz2', addresses: ['10.0.1.2/24'], driver: 'netns' },
]

function state(more: Partial<AgentState> = {}, egress = WEB): AgentState {
  const workload = (key: string, egress: RuleList) => ({
    workload: key,
    key,
    persona: { id: key, name: key, version: 1 },
    egress,
    ingress: OPEN,
    containment: null,
  })
  return {
    generation: { system: 's', timeline: 1, n: 1 },
    plan: 'p',
    mode: 'enforce',
    confirmWithinMs: 30_000,
    workloads: [workload('web', egress), workload('db', OPEN)],
    sets: [
      { name: 'feed:bad', members: ['203.0.113.0/24', '198.51.100.7'] },
      { name: 'persona:database', members: ['10.0.1.2', 'fd00:1::/64'] },
    ],
    neverBlock: ['192.0.2.1'],
    failSafe: [
      {
        id: 'failsafe/dns',
        direction: 'egress',
        match: { peer: { kind: 'any' }, service: { protocol: 'udp', from: 53, to: 53 } },
        why: why('failsafe/dns'),
      },
    ],
    ...more,
  }
}

function golden(name: string, text: string): void {
  const path = new URL(`./${name}.golden.nft`, import.meta.url)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text)
  assert.equal(text, readFileSync(path, 'utf8'))
}

const contained = (until: number): AgentState => {
  const base = state()
  const [web, db] = base.workloads
  const containment = { directions: 'both' as const, until, why: why('mitigate/isolate') }
  return { ...base, workloads: [{ ...web!, containment }, db!] }
}

test('the whole table reads as written', () => {
  golden('whole', fullText(compileAgent(state(), BINDINGS), { pendingMs: null, now: 0 }))
})

const TIERS: RuleList = {
  rules: [
    {
      verdict: 'deny',
      match: { peer: { kind: 'any' }, service: { protocol: 'tcp', from: 23, to: 23 } },
      why: why('later'),
    },
    {
      verdict: 'pass',
      match: { peer: { kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.9.0.0/16'] }, service: null },
      why: why('passes all but some'),
      tier: 0,
    },
    {
      verdict: 'reject',
      match: { peer: { kind: 'any' }, service: { protocol: 'sctp-any' } },
      why: why('rejects'),
      tier: 0,
    },
    {
      verdict: 'pass',
      match: { peer: { kind: 'set', set: 'persona:database' }, service: null },
      why: why('passes some'),
      tier: 5,
    },
    {
      verdict: 'allow',
      match: { peer: { kind: 'any' }, service: { protocol: 'icmp6', type: 139 } },
      why: why('allows slowly'),
      tier: 5,
      limit: { unit: 'flows', perSecond: 7 },
      log: true,
    },
    {
      verdict: 'allow',
      match: { peer: { kind: 'set', set: 'persona:database', not: true }, service: null },
      why: why('allows little'),
      tier: 5,
      limit: { unit: 'bytes', perSecond: 1_000 },
    },
  ],
  otherwise: 'deny',
  why: why('default-deny'),
}

test('tiers are chains that return, and a limit has a bucket for each interface', () => {
  const compiled = compileAgent(state({}, TIERS), BINDINGS)
  const host = compileAgent(state({}, TIERS), [{ key: 'web', interface: null, addresses: [], driver: 'host' }])
  const text = ({ chains, sets }: typeof compiled) =>
    [...chains].map(([name, lines]) => `${name}\n${lines.map((line) => `  ${line}\n`).join('')}`).join('') +
    [...sets].flatMap(([name, { holds }]) => (holds === 'rates' ? [`${name}\n`] : [])).join('')
  golden('tiers', `# behind an interface\n${text(compiled)}# the host\n${text(host)}`)
  const without = compileAgent(state({}, { ...TIERS, rules: TIERS.rules.slice(0, 3) }), BINDINGS)
  assert.match(compileDelta(compiled, without, { pendingMs: null, now: 0 }), /delete set inet guise limit_/)
  assert.match(
    compileDelta(without, compiled, { pendingMs: null, now: 0 }),
    /limit_\w+ \{ type ifname; size 65535; flags dynamic/,
  )
})

test('only an allow can have a limit', () => {
  const [rule] = TIERS.rules
  const list = { ...TIERS, rules: [{ ...rule!, limit: { unit: 'flows' as const, perSecond: 1 } }] }
  assert.throws(
    () => compileAgent(state({}, list), BINDINGS),
    /rule later: only an allow can have a limit, this is a deny/,
  )
})

test('a shift to rules that others wear is two plain elements, and its confirmation', () => {
  const bindings: Binding[] = [...BINDINGS, { key: 'web2', interface: 'gz3', addresses: [], driver: 'netns' }]
  const wearing = (egress: RuleList) => {
    const { workloads, ...rest } = state({}, egress)
    return compileAgent({ ...rest, workloads: [...workloads, { ...state().workloads[0]!, key: 'web2' }] }, bindings)
  }
  const [before, after] = [wearing(WEB), wearing(OPEN)]
  const pending = compileDelta(before, after, { pendingMs: 30_000, now: 0 })
  golden(
    'shift',
    `# pending\n${pending}# confirm\n${confirmDelta(before, after, 0)}# revert\n${revertDelta(before, after, 0)}`,
  )
  assert.deepEqual(pending.match(/add element inet guise (class_|shifted)/g)?.length, 2)
  assert.doesNotMatch(pending, /goto/)
})

test('beyond the classes a shift is one pending verdict per direction that changed', () => {
  const count = 80
  const lists = Array.from({ length: count }, (_, i) => ({ ...OPEN, why: why(`open ${i}`) }))
  const bindings = lists.map((_, i) => ({ key: `k${i}`, interface: `gz${i}`, addresses: [], driver: 'netns' as const }))
  const wearing = (first: number) => {
    const workloads = lists.map((list, i) => {
      return { ...state().workloads[0]!, key: `k${i}`, egress: i === 0 ? lists[first]! : list, ingress: OPEN }
    })
    return compileAgent(state({ workloads }), bindings)
  }
  const before = wearing(0)
  assert.equal(before.classes.size, 64)
  const quick = lists.map((_, i) => {
    const text = compileDelta(before, wearing(i), { pendingMs: 30_000, now: 0 })
    const isQuick = / shifted \{ "gz0"/.test(text)
    if (i > 0) assert.equal(/ eg_pending \{ "gz0"/.test(text), !isQuick)
    assert.doesNotMatch(text, / ing_pending \{/)
    return isQuick
  })
  const shifts = quick.filter(Boolean).length
  assert.ok(shifts >= 62 && shifts < count - 1, `${shifts} quick`)
})

test('a containment has what is left of its time, is not pending, and is not released before confirmation', () => {
  const free = compileAgent(state(), BINDINGS)
  const held = compileAgent(contained(70_000), BINDINGS)
  const taken = compileDelta(free, held, { pendingMs: 5_000, now: 10_000 })
  assert.match(taken, /add element inet guise eg_contain \{ "gz1" timeout 60000ms : jump c_/)
  const released = compileDelta(held, free, { pendingMs: 5_000, now: 10_000 })
  assert.match(released, /eg_contain \{ "gz1" timeout 60000ms/)
  assert.doesNotMatch(confirmDelta(held, free, 10_000), /add element inet guise eg_contain/)
  assert.doesNotMatch(compileDelta(held, held, { pendingMs: null, now: 70_000 }), /add element inet guise eg_contain/)
})

test('the hash follows the state and nothing else', () => {
  const hash = (s: AgentState, bindings = BINDINGS) => compileAgent(s, bindings).hash
  assert.equal(hash(state()), hash(structuredClone(state())))
  assert.equal(hash(state()).length, 15)
  const others = [
    hash(state({ mode: 'observe' })),
    hash(state({}, OPEN)),
    hash(state({ neverBlock: [] })),
    hash(state({ failSafe: [] })),
    hash(contained(1)),
    hash(state(), BINDINGS.slice(1)),
  ]
  assert.equal(new Set([...others, hash(state())]).size, others.length + 1)
})

test('equal profiles share one chain', () => {
  const base = state()
  const many = Array.from({ length: 50 }, (_, i) => structuredClone({ ...base.workloads[0]!, key: `k${i}` }))
  const bindings = many.map(({ key }, i) => ({ key, interface: `gz${i}`, addresses: [], driver: 'netns' as const }))
  const one = compileAgent(state({ workloads: many.slice(0, 1) }), bindings)
  const all = compileAgent(state({ workloads: many }), bindings)
  assert.deepEqual([...all.chains.keys()], [...one.chains.keys()])
})

test('lists that differ in any one field do not share a chain', () => {
  const lists: RuleList[] = [WEB]
  for (const [i, rule] of WEB.rules.entries()) {
    const { peer, service } = rule.match
    const changed: RuleList['rules'] = [
      { ...rule, verdict: rule.verdict === 'allow' ? 'deny' : 'allow' },
      { ...rule, match: { peer: { kind: 'any' }, service } },
      { ...rule, match: { peer: { kind: 'cidr', cidr: '10.0.0.0/8', except: ['10.8.0.0/16'] }, service } },
      { ...rule, match: { peer: { kind: 'set', set: 'feed:bad', not: true }, service } },
      { ...rule, match: { peer, service: { protocol: 'tcp', from: 5432, to: 5432 } } },
      { ...rule, match: { peer, service: { protocol: 'icmp', type: null } } },
      { ...rule, match: { peer, service: { protocol: 'tcp-any' } } },
      { ...rule, match: { peer, service: { protocol: 'icmp6', type: null } } },
      { ...rule, verdict: 'reject' },
      { ...rule, tier: 3 },
      { ...rule, verdict: 'pass' },
      { ...rule, verdict: 'allow', log: true },
      { ...rule, verdict: 'allow', limit: { unit: 'flows', perSecond: 9 } },
      { ...rule, verdict: 'allow', limit: { unit: 'bytes', perSecond: 9 } },
    ]
    for (const other of changed) lists.push({ ...WEB, rules: WEB.rules.with(i, other) })
  }
  lists.push({ ...WEB, otherwise: 'allow' }, { ...WEB, why: why('other') })
  const base = state()
  const workloads = lists.map((egress, i) => ({ ...base.workloads[0]!, key: `k${i}`, egress }))
  const bindings = lists.map((_, i) => ({ key: `k${i}`, interface: `gz${i}`, addresses: [], driver: 'netns' as const }))
  const compiled = compileAgent(state({ workloads }), bindings)
  assert.equal(new Set(compiled.maps.eg.values()).size, lists.length)
})

test('no mode but enforce drops anything', () => {
  for (const mode of ['off', 'observe', 'suggest'] as const) {
    const compiled = compileAgent({ ...contained(9e15), mode }, BINDINGS)
    assert.doesNotMatch(fullText(compiled, { pendingMs: null, now: 0 }), /\bdrop\b/)
  }
})

test('a set that is unknown or empty leaves its rule out, also under not', () => {
  const chains = (sets: AgentState['sets']) =>
    [...compileAgent(state({ sets }), BINDINGS).chains.values()].flat().join('\n')
  for (const sets of [[], [{ name: 'persona:database', members: [] }]]) {
    assert.doesNotMatch(chains(sets), /persona:web\/allow\/0|persona:web\/deny\/2|BLOCK_OUTBOUND/)
  }
})

test('what breaks the model is refused with what was attempted', () => {
  const bad =
    (more: Partial<AgentState>, bindings = BINDINGS) =>
    () =>
      compileAgent(state(more), bindings)
  assert.throws(bad({ neverBlock: ['10.0.0.1/8'] }), /not an address or CIDR/)
  assert.throws(bad({}, [{ ...BINDINGS[0]!, interface: 'eth*' }]), /not an interface name/)
  assert.throws(bad({}, [{ ...BINDINGS[0]!, mac: '"; drop' }]), /not a MAC address/)
  assert.throws(bad({}, [BINDINGS[0]!, { ...BINDINGS[1]!, interface: 'gz1' }]), /both bound to gz1/)
})

test('hostile rule ids and set names become words that cannot end a string or start a statement', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 200 })), (text) => {
      assert.match(encodeId(text), /^[A-Za-z0-9_.,:/()@+=~ -]{1,120}$/)
      assert.match(encodeSetName(text.slice(0, 64)), /^set_[A-Za-z0-9_]{0,73}$/)
    }),
  )
  assert.notEqual(encodeId('a"b'), encodeId('a;b'))
  assert.notEqual(encodeSetName('a:b'), encodeSetName('a.b'))
  assert.notEqual(encodeSetName('a:4'), encodeSetName('a_4'))
})

test('a reflex is one element, or nothing when its peer is no address', () => {
  assert.deepEqual(reflexElements(BINDINGS[0]!, '203.0.113.9'), [{ set: 'reflex4', element: '"gz1" . 203.0.113.9' }])
  const host: Binding = { key: 'h', interface: null, addresses: [], driver: 'host' }
  assert.deepEqual(reflexElements(host, 'FD00::0:1'), [{ set: 'reflex_host6', element: 'fd00::1' }])
  assert.deepEqual(reflexElements(host, '1.2.3.4 }; flush ruleset'), [])
  assert.match(removeText(), /^add table inet guise\ndelete table inet guise\n$/)
})

const DEVICE: Binding = {
  key: 'web',
  interface: 'lan0',
  addresses: ['10.0.0.5', 'fd00::5'],
  driver: 'gateway',
  mac: '02:00:00:00:00:05',
}

test('devices that share an interface are told apart by address, and wear the chains that everybody wears', () => {
  const other: Binding = { ...DEVICE, key: 'db', addresses: ['10.0.0.6'], mac: '02:00:00:00:00:06' }
  const { maps, sets } = compileAgent(state(), [DEVICE, other])
  const linked = compileAgent(state(), BINDINGS)
  assert.equal(maps.dev_eg4.get('"lan0" . 10.0.0.5'), linked.maps.eg.get('"gz1"'))
  assert.equal(maps.dev_eg6.get('"lan0" . fd00::5'), linked.maps.eg.get('"gz1"'))
  assert.equal(maps.dev_ing4.get('"lan0" . 10.0.0.6'), linked.maps.ing.get('"gz2"'))
  assert.deepEqual([maps.eg.size, sets.get('ours')!.elements.size], [0, 0])
  assert.deepEqual([...sets.get('shared')!.elements], ['"lan0"'])
  assert.ok(sets.get('device_mac6')!.elements.has('"lan0" . fd00::5 . 02:00:00:00:00:05'))
})

test('a limit behind a gateway is one for each address, not for the interface that many share', () => {
  const limited = (binding: Binding) => {
    const egress: RuleList = {
      ...OPEN,
      rules: [
        {
          verdict: 'allow',
          match: { peer: { kind: 'any' }, service: null },
          why: why('l'),
          limit: { unit: 'bytes', perSecond: 1_000 },
        },
      ],
    }
    const { sets, chains } = compileAgent(state({}, egress), [binding])
    const types = [...sets].flatMap(([name, { type }]) => (name.startsWith('limit_') ? [type] : []))
    return { types, text: [...chains.values()].flat().join('\n') }
  }
  assert.deepEqual(limited(BINDINGS[0]!).types, ['ifname'])
  const { types, text } = limited(DEVICE)
  assert.deepEqual(types, ['ifname . ipv4_addr', 'ifname . ipv6_addr'])
  assert.match(text, /ct direction reply update @limit_\w+ \{ oifname \. ip6 daddr limit/)
})

test('a containment of a device names its addresses; two cannot have one address, nor a link that is somebody else’s', () => {
  const contained = state()
  const workloads = contained.workloads.map((one) => ({
    ...one,
    containment: { directions: 'egress' as const, until: 9, why: why('c') },
  }))
  const { contained: found } = compileAgent({ ...contained, workloads }, [DEVICE])
  assert.deepEqual(
    found.map(({ map, element }) => [map, element]),
    [
      ['dev_eg_contain4', '"lan0" . 10.0.0.5'],
      ['dev_eg_contain6', '"lan0" . fd00::5'],
    ],
  )
  assert.throws(
    () => compileAgent(state(), [DEVICE, { ...DEVICE, key: 'db' }]),
    /web and db are both bound to 10\.0\.0\.5/,
  )
  const linked: Binding = { ...DEVICE, key: 'db', driver: 'netns' }
  assert.throws(() => compileAgent(state(), [DEVICE, linked]), /db is bound to lan0, which devices share/)
})

test('a reflex against a device is one element for each of its addresses of the family', () => {
  assert.deepEqual(reflexElements(DEVICE, '192.0.2.1'), [
    { set: 'reflex_dev4', element: '"lan0" . 10.0.0.5 . 192.0.2.1' },
  ])
  assert.deepEqual(reflexElements({ ...DEVICE, addresses: ['10.0.0.5'] }, '2001:db8::1'), [])
})

test("a rule about ICMP matches the ICMP of a packet's own family, not its number in the other", () => {
  const line = (service: RuleList['rules'][number]['match']['service'], peer: string | null) => {
    const match = { peer: peer === null ? { kind: 'any' as const } : { kind: 'cidr' as const, cidr: peer }, service }
    const { chains } = compileAgent(
      state(
        {},
        { rules: [{ verdict: 'allow', match, why: why('pings') }], otherwise: 'deny', why: why('default-deny') },
      ),
      BINDINGS,
    )
    return [...chains.values()]
      .flat()
      .flatMap((text) => / ?(.*l4proto (?:ipv6-)?icmp.*?) (?:jump|goto|counter|accept|ct mark)/.exec(text)?.[1] ?? [])
  }
  assert.deepEqual(
    [...new Set(line({ protocol: 'icmp6', type: null }, null))],
    ['meta nfproto ipv6 meta l4proto ipv6-icmp'],
  )
  assert.deepEqual(
    [...new Set(line({ protocol: 'icmp', type: null }, null))],
    ['meta nfproto ipv4 meta l4proto icmp', 'meta nfproto ipv6 meta l4proto ipv6-icmp'],
  )
  assert.deepEqual(
    [...new Set(line({ protocol: 'icmp', type: null }, '10.0.0.0/8'))],
    ['meta l4proto icmp ct original ip daddr 10.0.0.0/8'],
  )
})
