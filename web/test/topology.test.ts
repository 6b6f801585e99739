/**
 * Topology: places that hold, folding that is said, and in a real browser lenses, zoom, selection, the keyboard, matrix and
 * list, addresses from cold. How long large ones take is in topology-scale.test.ts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Page } from 'playwright-core'
import type { Topology, TopologyEdge, TopologyNode, TopologySegment } from '../../src/model/topology.ts'
import { needBrowser } from '../../test/need.ts'
import { edgeWidth, markEdge, nodeSize, verdictOf } from '../src/pages/topology/differs.ts'
import { drawEdges } from '../src/pages/topology/elements.ts'
import { layOut, type Place } from '../src/pages/topology/layout.ts'
import { toMatrix } from '../src/pages/topology/matrix-cells.ts'
import { enter, leave, readState } from '../src/pages/topology/state.ts'
import { walk } from '../src/pages/topology/walk.ts'
import { NARROW, newContext, enter as signIn, until } from './browser.ts'
import { sitDown } from './desk.ts'

const segment = (id: string, column: number): TopologySegment => ({ id, name: id, column, workloads: 3, risk: null })
const node = (id: string, of: string, persona: string | null = 'Database'): TopologyNode => ({
  id,
  kind: 'workload',
  name: id,
  segment: of,
  persona,
  workload: null,
  members: 1,
  rest: false,
  bytes: 1,
  flows: 1,
  risk: null,
  evidence: null,
  contained: 0,
})
const edge = (from: string, to: string, more: Partial<TopologyEdge> = {}): TopologyEdge => ({
  id: `${from}>${to}`,
  from,
  to,
  bytes: 10,
  flows: 2,
  failed: 0,
  verdicts: { allow: 2, deny: 0, wouldDeny: 0, unjudged: 0 },
  services: [],
  conversations: 1,
  last: 0,
  fresh: false,
  evidence: null,
  ...more,
})
const SEGMENTS = [segment('people', 0), segment('shop', 2), segment('pay', 2), segment('data', 3)]
const nothing = { slots: new Map<string, number>(), pins: new Map<string, Place>(), width: 'wide' as const }

test('the same things stand at the same places, whatever order they come in, and none on another', () => {
  const nodes = fc.uniqueArray(
    fc.tuple(fc.integer({ min: 0, max: 400 }), fc.constantFrom('people', 'shop', 'pay', 'data')),
    { selector: ([n]) => n, maxLength: 250 },
  )
  fc.assert(
    fc.property(nodes, fc.constantFrom('wide' as const, 'narrow' as const), (given, width) => {
      const all = given.map(([n, of]) => node(`w_${n}`, of))
      const one = layOut({ ...nothing, width, segments: SEGMENTS, nodes: all })
      const other = layOut({ ...nothing, width, segments: [...SEGMENTS].reverse(), nodes: [...all].reverse() })
      assert.deepEqual([...one.places].sort(), [...other.places].sort())
      const taken = new Set([...one.places.values()].map(({ x, y }) => `${x} ${y}`))
      assert.equal(taken.size, all.length)
      for (const [id, { x, y }] of one.places) {
        const field = one.fields.find((f) => f.id === all.find((n) => n.id === id)!.segment)!
        assert.ok(x > field.x && x < field.x + field.width && y > field.y && y < field.y + field.height, id)
      }
    }),
    { numRuns: 60 },
  )
})

test('a newcomer takes a free slot and moves nobody; one that leaves leaves the others', () => {
  const few = ['b', 'd', 'f', 'h', 'j'].map((id) => node(id, 'shop'))
  const first = layOut({ ...nothing, segments: SEGMENTS, nodes: few })
  const more = layOut({ ...nothing, slots: first.slots, segments: SEGMENTS, nodes: [node('a', 'shop'), ...few] })
  for (const { id } of few) assert.deepEqual(more.places.get(id), first.places.get(id))
  const less = layOut({ ...nothing, slots: first.slots, segments: SEGMENTS, nodes: few.slice(2, 5) })
  assert.equal(less.slots.get('f'), first.slots.get('f'))
  const pinned = layOut({ ...nothing, pins: new Map([['b', { x: 5, y: 6 }]]), segments: SEGMENTS, nodes: few })
  assert.deepEqual(pinned.places.get('b'), { x: 5, y: 6 })
})

test('columns stand in the order in which work flows', () => {
  const nodes = SEGMENTS.map((one) => ({ ...node(`s:${one.id}`, one.id), kind: 'segment' as const }))
  const { places, fields } = layOut({ ...nothing, segments: [...SEGMENTS].reverse(), nodes })
  assert.equal(fields.length, 0)
  const x = (id: string) => places.get(`s:${id}`)!.x
  assert.ok(x('people') < x('shop') && x('shop') === x('pay') && x('pay') < x('data'))
})

test('arrows go to a neighbour in that direction, else to what is nearest there, else nowhere', () => {
  const places = new Map([
    ['a', { x: 0, y: 0 }],
    ['b', { x: 50, y: 0 }],
    ['c', { x: 300, y: 10 }],
  ])
  const none = () => new Set<string>()
  assert.equal(walk(places, none, null, 'ArrowRight'), 'a')
  assert.equal(walk(places, none, 'a', 'ArrowRight'), 'b')
  assert.equal(
    walk(places, () => new Set(['c']), 'a', 'ArrowRight'),
    'c',
  )
  assert.equal(walk(places, none, 'a', 'ArrowLeft'), null)
})

test('zoom goes in by one and comes out the same way', () => {
  const all = { level: 'segment', segment: null } as const
  const one = enter(all, 'shop')!
  assert.deepEqual(one, { level: 'persona', segment: 'shop' })
  const two = enter(one, 'shop')!
  assert.deepEqual(two, { level: 'workload', segment: 'shop' })
  assert.equal(enter(two, 'shop'), null)
  assert.equal(enter(all, 'outside'), null)
  assert.deepEqual(leave(two), one)
  assert.deepEqual(leave(one), all)
  assert.equal(leave(all), null)
  const get = (text: string) => {
    const params = new URLSearchParams(text)
    return readState((name) => params.get(name) ?? '')
  }
  assert.deepEqual(get('').at, null)
  assert.deepEqual(get('at=workload:shop').at, two)
  assert.deepEqual([get('lens=drift').lens, get('view=x').view, get('from=-2y').span], ['traffic', null, '1h'])
})

test('each lens marks what it looks for', () => {
  const cut = edge('a', 'b', { verdicts: { allow: 9, deny: 1, wouldDeny: 1, unjudged: 0 }, fresh: true, evidence: 'x' })
  assert.deepEqual(
    (['traffic', 'policy', 'risk'] as const).map((lens) => markEdge(cut, lens, true)),
    ['deny', 'deny', 'evidence'],
  )
  const open = edge('a', 'b', { verdicts: { allow: 0, deny: 0, wouldDeny: 0, unjudged: 4 } })
  assert.deepEqual([markEdge(open, 'policy', true), markEdge(open, 'policy', false)], ['unjudged', null])
  assert.equal(verdictOf({ allow: 1, deny: 0, wouldDeny: 0, unjudged: 4 }), 'allow')
  assert.deepEqual([0, 1e5, 1e10, 1e15].map(edgeWidth), [1, 1, 4, 4])
  assert.deepEqual([nodeSize(0, 9), nodeSize(1, 1_000), nodeSize(20, 1_000), nodeSize(900, 1_000)], [0, 0, 1, 2])
})

test('words stand on a few marked lines; on many, one of each kind has them, the heaviest', () => {
  const words = {
    ...{ deny: 'dropped', 'would-deny': 'would drop', unjudged: '', evidence: '', fresh: 'new' },
    more: String,
  }
  const cut = (i: number) =>
    edge('a', `b${i}`, { bytes: 10 ** (i % 10), verdicts: { allow: 0, deny: 1, wouldDeny: 0, unjudged: 0 } })
  const drawn = (n: number) => {
    const edges = [...Array.from({ length: n }, (_, i) => cut(i)), edge('b0', 'a', { fresh: true }), edge('b1', 'b2')]
    const nodes = [...new Set(edges.flatMap(({ from, to }) => [from, to]))].map((id) => node(id, 'shop'))
    const topology = { segments: SEGMENTS, nodes, edges, judgedBy: 1 } as unknown as Topology
    return drawEdges(topology, 'traffic', words).flatMap(({ to, label }) => (label === '' ? [] : [`${label} ${to}`]))
  }
  assert.equal(drawn(7).length, 8)
  assert.deepEqual(drawn(12), ['dropped b9', 'new a'])
})

test('the matrix adds up what the map has', () => {
  const nodes = [node('a', 'shop', 'API Server'), node('b', 'data'), node('c', 'data')]
  const edges = [edge('a', 'b'), edge('a', 'c', { flows: 5 }), edge('b', 'b')]
  const { rows, columns, cells } = toMatrix({ nodes, edges })
  assert.deepEqual(
    [rows, columns].map((axes) => axes.map((axis) => axis.name)),
    [['API Server', 'Database'], ['Database']],
  )
  assert.equal(cells.get('API Server>Database')?.flows, 7)
  assert.equal(
    [...cells.values()].reduce((sum, cell) => sum + cell.flows, 0),
    edges.reduce((sum, one) => sum + one.flows, 0),
  )
})

const skip = needBrowser()
const desk = sitDown({ skip, size: 48, servers: 'one' })

async function visit(path: string, size?: typeof NARROW): Promise<Page> {
  const context = await newContext(desk.browser, size === undefined ? {} : { size })
  // The page's clock can be put forward; until then it runs as any other.
  await context.clock.install()
  await signIn(context, desk.server.url)
  const page = await context.newPage()
  await page.goto(`${desk.server.url}/ui${path}`)
  await page.getByRole('group', { name: 'Lens' }).waitFor()
  return page
}
const mapOf = (page: Page) => page.locator('.map[data-ready="true"]')
const searchOf = (page: Page) => new URL(page.url()).searchParams

test('lens, view, zoom and time are in the address, and an address opens from cold', {
  skip,
  timeout: 60_000,
}, async () => {
  const page = await visit('/topology')
  await mapOf(page).waitFor()
  await page.getByRole('heading', { level: 1, name: 'Two paths are dropped. One path would be dropped.' }).waitFor()
  await page.getByRole('button', { name: 'Policy' }).click()
  await page.locator('.map-legend').getByText('dropped').waitFor()
  await page.getByRole('button', { name: '24 h' }).click()
  await page.getByRole('button', { name: 'Personas', exact: true }).click()
  await page.keyboard.press('v')
  await page.getByRole('table', { name: /Persona by persona/ }).waitFor()
  await page.getByRole('button', { name: /^Data Exporter to Outside, named: dropped/ }).click()
  await page.getByText('122 flows denied in the last hour').waitFor()
  await page.waitForURL(/sel=cell/)
  assert.deepEqual(Object.fromEntries(searchOf(page)), {
    lens: 'policy',
    from: '-24h',
    at: 'persona',
    view: 'matrix',
    sel: 'cell:Data Exporter>Outside, named',
  })
  const cold = await visit(new URL(page.url()).pathname.replace('/ui', '') + new URL(page.url()).search)
  await cold.getByText('122 flows denied in the last hour').waitFor()
  await cold.getByRole('button', { name: /^Data Exporter to Outside, named/, pressed: true }).waitFor()
  await page.context().close()
  await cold.context().close()
})

test('two changes before the page is drawn again: none of them is lost', { skip, timeout: 60_000 }, async () => {
  const page = await visit('/topology')
  await mapOf(page).waitFor()
  const [lens, from] = await Promise.all(
    [page.getByRole('button', { name: 'Policy' }), page.getByRole('button', { name: '24 h' })].map((one) =>
      one.elementHandle(),
    ),
  )
  await page.evaluate(
    (both) => {
      for (const one of both) (one as unknown as { click(): void }).click()
    },
    [lens!, from!],
  )
  await page.locator('.map-legend').getByText('dropped').waitFor()
  assert.deepEqual(Object.fromEntries(searchOf(page)), { lens: 'policy', from: '-24h' })
  await page.context().close()
})

test('the keyboard walks the map, goes in and out, and pins', { skip, timeout: 60_000 }, async () => {
  const page = await visit('/topology?at=segment')
  const map = mapOf(page)
  await map.waitFor()
  await page.getByRole('img', { name: /Map of who talks to whom: .* The list has the same facts/ }).focus()
  await page.keyboard.press('ArrowRight')
  await page.locator('#topology-why', { hasText: 'Build' }).waitFor()
  await page.keyboard.press('ArrowRight')
  await page.locator('#topology-why', { hasText: 'Payments' }).waitFor()
  await page.keyboard.press('Enter')
  await page.locator('.map-legend', { hasText: 'Database' }).waitFor()
  await page.keyboard.press('ArrowRight')
  await page.locator('#topology-why').filter({ hasNotText: 'What differs' }).waitFor()
  await page.keyboard.press('Shift+ArrowDown')
  await page.getByRole('button', { name: 'Unpin 1' }).waitFor()
  await page.reload()
  await page.getByRole('button', { name: 'Unpin 1' }).click()
  await page.getByRole('button', { name: 'Unpin 1' }).waitFor({ state: 'detached' })
  await map.focus()
  await page.keyboard.press('Escape')
  await page.locator('#topology-why', { hasText: 'What differs' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Segments', exact: true, pressed: true }).waitFor()
  await page.context().close()
})

test('a click on a node says why it stands out; the list has the same and can be taken away', {
  skip,
  timeout: 60_000,
}, async () => {
  const page = await visit('/topology?lens=policy')
  await mapOf(page).waitFor()
  await page.getByRole('button', { name: /^etl-worker-07 to 203.0.113.77/ }).click()
  const why = page.locator('.topology-why')
  await why.getByText('Calls 203.0.113.77 every 60 s ± 1.8 s, 61 times.').waitFor()
  await why.getByRole('link', { name: 'contain-above-0.7' }).first().waitFor()
  await page.getByRole('button', { name: 'List' }).click()
  const table = page.getByRole('table', { name: 'Paths' })
  await table.waitFor()
  const row = table.getByRole('row', { name: /etl-worker-07 203.0.113.77 dropped/ })
  await row.getByRole('button', { expanded: true }).first().waitFor()
  await row.getByRole('button').first().focus()
  await page.keyboard.press('j')
  await why.getByRole('heading', { name: 'laptop-ana to 192.0.2.44' }).waitFor()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('button', { name: /CSV/ }).click()
  assert.match((await download).suggestedFilename(), /topology.*\.csv$/)
  await page.context().close()
})

test('what is hidden or folded is said, a filter without a match offers the way back', {
  skip,
  timeout: 60_000,
}, async () => {
  const page = await visit('/topology')
  await page.getByText('DNS, NTP and control paths hidden').waitFor()
  await page.getByText(/quiet workloads stand with others of their persona/).waitFor()
  await page.getByRole('button', { name: 'Show them' }).click()
  await page.getByText('DNS, NTP and control paths shown').waitFor()
  await page.waitForURL(/infra=show/)
  await page.getByRole('button', { name: '7 d', exact: true }).click()
  await page.getByText(/Conversations are kept since/).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('zzz')
  await page.getByText('Nothing matches `zzz`.').waitFor()
  await page.getByRole('button', { name: 'Clear the filter' }).click()
  await mapOf(page).waitFor()
  await page.context().close()
})

test('new figures move nothing; a server that fails leaves what was known', { skip, timeout: 60_000 }, async () => {
  const page = await visit('/topology')
  await mapOf(page).waitFor()
  const slots = () => page.evaluate("localStorage.getItem('guise-map-slots')")
  await until('the places are kept', async () => (await slots()) !== null)
  const before = await slots()
  desk.server.failing.set('/v1/topology', 503)
  try {
    await page.clock.fastForward(20_000)
    const retry = page.getByRole('button', { name: 'Retry' })
    await retry.waitFor({ timeout: 20_000 })
    await mapOf(page).waitFor()
  } finally {
    desk.server.failing.delete('/v1/topology')
  }
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('button', { name: 'Retry' }).waitFor({ state: 'detached' })
  assert.equal(await slots(), before)
  await page.context().close()
})

test('a small screen opens with segments and keeps every fact', { skip, timeout: 60_000 }, async () => {
  const page = await visit('/topology', NARROW)
  await mapOf(page).waitFor()
  await page.getByRole('button', { name: 'Segments', exact: true, pressed: true }).waitFor()
  await page
    .getByRole('button', { name: /^ETL to/ })
    .first()
    .click()
  await page.getByText(/flows denied in the last hour|No flow denied/).waitFor()
  await page.context().close()
})
