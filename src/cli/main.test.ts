import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const MAIN = new URL('./main.ts', import.meta.url).pathname

async function guise(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH ?? '', GUISE_HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const [code] = await once(child, 'close')
  return { code: code as number, out, err }
}

type Answer = { status: number; body: unknown }
async function withServer(
  answer: (request: IncomingMessage, body: string) => Answer,
  run: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { status, body: reply } = answer(request, body)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
  }
}

test('exit codes: help 0, wrong usage 2, no server 3, each with its cure', async () => {
  const help = await guise(['--help'])
  assert.equal(help.code, 0)
  assert.match(help.out, /why\b.*why a workload/)
  const unknown = await guise(['nope'])
  assert.equal(unknown.code, 2)
  assert.equal(unknown.err, "guise: unknown command 'nope'. See guise --help.\n")
  const lacking = await guise(['shift', 'a'])
  assert.deepEqual(
    [lacking.code, lacking.out, lacking.err],
    [2, '', "guise: missing required argument 'persona'. See guise shift --help.\n"],
  )
  const told = await guise(['lab', 'attack', 'flood', '--json'])
  assert.deepEqual([told.code, told.err], [2, ''])
  assert.match(JSON.parse(told.out).error, /'flood' is invalid .* See guise lab attack --help\.$/)
  const nowhere = await guise(['get', 'workloads', '--server', 'nowhere'])
  assert.deepEqual(
    [nowhere.code, nowhere.err],
    [2, 'guise: --server nowhere is no address of a server. Write http://127.0.0.1:7070.\n'],
  )
  const silent = await guise(['get', 'workloads', '--server', 'http://127.0.0.1:2'])
  assert.equal(silent.code, 3)
  assert.equal(
    silent.err,
    'guise: No server answers at http://127.0.0.1:2 (ECONNREFUSED). Start one with `guise up`, or name it with --server.\n',
  )
  const json = await guise(['get', 'workloads', '--server', 'http://127.0.0.1:2', '--json'])
  assert.equal(json.code, 3)
  assert.equal(JSON.parse(json.out).ok, false)
})

test('what nobody foresaw is told as well: on stderr, or as JSON to who asked for that', async () => {
  await withServer(
    () => ({ status: 200, body: null }),
    async (url) => {
      const env = { GUISE_SERVER: url, GUISE_TOKEN: 'secret' }
      const people = await guise(['get', 'workloads'], env)
      assert.deepEqual([people.code, people.out], [1, ''])
      assert.match(people.err, /^guise: Cannot read properties of null/)
      const program = await guise(['get', 'workloads', '--json'], env)
      assert.deepEqual([program.code, program.err], [1, ''])
      const { error, ...rest } = JSON.parse(program.out)
      assert.deepEqual(rest, { ok: false, problem: null })
      assert.match(error, /^Cannot read properties of null/)
    },
  )
})

const workload = (id: string, name: string) => ({
  id,
  report: { key: `netns:${name}`, name },
  worn: { name: 'Database' },
  assigned: null,
  belief: null,
  risk: null,
  containedUntil: null,
  lastSeen: Date.now(),
})

test('lists are tables for people, one line for programs, and say what to do when empty', async () => {
  let items: unknown[] = []
  await withServer(
    (request) =>
      request.headers.authorization === 'Bearer secret'
        ? { status: 200, body: { items, next: null } }
        : { status: 401, body: { detail: 'Not signed in.' } },
    async (url) => {
      const env = { GUISE_SERVER: url, GUISE_TOKEN: 'secret' }
      assert.equal(
        (await guise(['get', 'workloads'], env)).out,
        'No workloads yet. Start an agent with `guise agent`, or a lab with `guise up --lab`.\n',
      )
      items = [workload('w_1', 'db\u001b[31m1\n')]
      const { out } = await guise(['get', 'workload'], env)
      assert.equal(
        out.replace(/\d s ago/, '0 s ago'),
        'NAME      WEARS     ASSIGNED  BELIEVED  RISK  CONTAINED  SEEN     ID\ndb [31m1  Database  –         abstains  0.00             0 s ago  w_1\n',
      )
      const json = await guise(['--json', 'get', 'workloads'], env)
      assert.equal(json.out.split('\n').length, 2)
      assert.equal(JSON.parse(json.out).items[0].id, 'w_1')
      const denied = await guise(['get', 'workloads'], { GUISE_SERVER: url })
      assert.equal(denied.code, 1)
      assert.match(denied.err, /Not signed in\. .*Set GUISE_TOKEN/)
    },
  )
})

test('a list is read to its end, however long, and so is a name looked for; a server that goes in circles is told of', async () => {
  const pages = 12
  const page = (n: number) => Array.from({ length: 1_000 }, (_, i) => workload(`w_${n}_${i}`, `db${n * 1_000 + i}`))
  let isCircle = false
  await withServer(
    (request) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
      if (/\/why$/.test(pathname)) return { status: 200, body: { asked: pathname } }
      const n = isCircle ? 0 : Number(searchParams.get('cursor') ?? 0)
      const items = pathname === '/v1/plans' ? [] : page(n)
      return { status: 200, body: { items, next: n + 1 < pages ? String(n + 1) : null } }
    },
    async (url) => {
      const env = { GUISE_SERVER: url }
      const { out } = await guise(['get', 'workloads', '--json'], env)
      const { items, next } = JSON.parse(out)
      assert.deepEqual([items.length, items.at(-1).report.name, next], [12_000, 'db11999', null])
      const why = await guise(['why', 'db11999', '--json'], env)
      assert.equal(JSON.parse(why.out).asked, '/v1/workloads/w_11_999/why')
      isCircle = true
      const circle = await guise(['plan', 'list'], env)
      assert.deepEqual([circle.code, circle.out], [1, ''])
      assert.match(circle.err, /goes round in circles listing \/v1\/plans/)
    },
  )
})

test('shift names the workload by what people call it; a refusal is one sentence with its cure', async () => {
  let refuse = false
  let sent = ''
  await withServer(
    (request, body) => {
      if (request.method === 'GET')
        return {
          status: 200,
          body: { items: [workload('w_1', 'db1'), workload('w_2', 'twin'), workload('w_3', 'twin')], next: null },
        }
      sent = body
      return refuse
        ? { status: 422, body: { detail: 'There is no persona Nobody.', cure: 'See guise get personas.' } }
        : { status: 202, body: { shift_id: 's_1', plan_id: 'p_1', state: 'approved' } }
    },
    async (url) => {
      const env = { GUISE_SERVER: url }
      const done = await guise(['try', 'db1', 'Idle', '--for', '60s'], env)
      assert.equal(done.out, 'db1 → Idle: approved, plan p_1. Follow it with `guise plan show p_1`.\n')
      assert.deepEqual(JSON.parse(sent), { workload: 'w_1', persona: 'Idle', ttl: '60s' })
      assert.match(
        (await guise(['shift', 'twin', 'Idle'], env)).err,
        /twin is the name of 2 workloads: w_2, w_3\. Use an id\./,
      )
      assert.equal((await guise(['shift', 'db1', 'Idle', '--ttl', 'soon'], env)).code, 2)
      refuse = true
      const refused = await guise(['shift', 'db1', 'Nobody'], env)
      assert.equal(refused.code, 1)
      assert.equal(refused.err, 'guise: There is no persona Nobody. See guise get personas.\n')
    },
  )
})

test('a token is asked for as the server takes it: an enrolment is an agent’s, and an agent is named', async () => {
  const sent: unknown[] = []
  await withServer(
    (request, body) => {
      if (request.method === 'GET') return { status: 200, body: { items: [], next: null } }
      sent.push(JSON.parse(body))
      const door = { url: 'https://192.0.2.1:7443', caFingerprint: 'sha256:00' }
      return { status: 201, body: { id: 't_1', role: 'agent', agent: 'edge1', token: 'guise_x', door } }
    },
    async (url) => {
      const create = (...words: string[]) => guise(['token', 'create', ...words], { GUISE_SERVER: url })
      const { out } = await create('--enrol', '--host', 'edge1', '--ttl', '5m')
      assert.match(out, /^On edge1, as root, within 5m /)
      await create('dashboards')
      assert.deepEqual(sent, [
        { name: 'edge1', role: 'agent', agent: 'edge1', ttl: '5m', enrolment: true },
        { name: 'dashboards', role: 'viewer' },
      ])
      const refused = await create('edge1', '--role', 'agent')
      assert.deepEqual(
        [refused.code, refused.err],
        [2, 'guise: A token of role agent is for one agent: name its host with --host NAME.\n'],
      )
      const other = await create('--enrol', '--host', 'edge1', '--role', 'viewer')
      assert.match(other.err, /An enrolment is for an agent, not for role viewer: leave --role out\./)
      const none = await guise(['agents'], { GUISE_SERVER: url })
      assert.match(none.out, /`guise token create --enrol --host NAME` prints its command/)
    },
  )
})

test('apply finds every problem before anything is sent', async () => {
  const { code, err } = await guise(['apply', '-f', '/nonexistent.yaml'])
  assert.equal(code, 1)
  assert.match(err, /cannot be read/)
  await withServer(
    (_request, body) => ({
      status: 200,
      body: {
        applied: true,
        items: [{ kind: 'Persona', id: 'idle', outcome: `created ${JSON.parse(body).length}` }],
        warnings: [],
      },
    }),
    async (url) => {
      const file = new URL('../../examples/personas/idle.yaml', import.meta.url).pathname
      assert.equal((await guise(['apply', '-f', file], { GUISE_SERVER: url })).out, 'Persona idle created 1\n')
    },
  )
})

test('--json before a command that asks no server is one line, also of what is refused', async () => {
  const lab = ['lab', 'status', '--dir', '/nonexistent/lab']
  for (const argv of [
    ['--json', ...lab],
    ['lab', '--json', ...lab.slice(1)],
    [...lab, '--json'],
  ]) {
    const { code, out } = await guise(argv)
    assert.deepEqual([code, out.split('\n').length, JSON.parse(out).state], [0, 2, 'down'])
  }
  for (const [argv, why] of [
    [['--json', 'observe', '/nonexistent', '--for', 'ever'], /^--for ever is no time\./],
    [['verify', '--netns', 'guise-not-there', '--json'], /guise-not-there|needs root/],
    [['lab', 'attack', 'exfil', '--dir', '/nonexistent/lab', '--json'], /guise lab up|needs root/],
  ] as const) {
    const { code, out, err } = await guise([...argv])
    assert.deepEqual([code, out.split('\n').length], [1, 2])
    const { ok, error, problem } = JSON.parse(out)
    assert.deepEqual([ok, problem], [false, null])
    assert.match(error, why)
    assert.doesNotMatch(err, why)
  }
})

test('a protocol of no flow is refused, not passed over', async () => {
  const { code, err } = await guise(['why', 'web1', '--protocol', 'udp'], { GUISE_SERVER: 'http://127.0.0.1:2' })
  assert.equal(code, 2)
  assert.equal(err, 'guise: --protocol udp is of one flow. Say which: --to IP:PORT, or --flow SRC DST PORT.\n')
  const other = await guise(['why', 'web1', '--to', '192.0.2.1:53', '--protocol', 'sctp'])
  assert.match(other.err, /'sctp' is invalid\. Allowed choices are tcp, udp, icmp\. See guise why --help\./)
})

test('completion scripts and what they ask for', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) assert.match((await guise(['completion', shell])).out, /guise/)
  const other = await guise(['completion', 'tcsh', '--json'])
  assert.deepEqual([other.code, other.err], [2, ''])
  assert.match(JSON.parse(other.out).error, /'tcsh' is invalid .* Allowed choices are bash, zsh, fish\./)
  const json = await guise(['completion', 'bash', '--json'])
  assert.deepEqual([json.code, JSON.parse(json.out).ok], [2, false])
  for (const [typed, offered] of [
    [['token', 'create', 'x', '--role', 'vi'], 'viewer'],
    [['agent', '--mode', ''], 'off|observe|suggest|enforce'],
    [['forecast', 'web1', '--step', ''], '5min|hour'],
    [['why', '--protocol', 'u'], 'udp'],
    [['machine', 'define', 'a', '--settings', ''], 'agent|dhcp'],
  ] as const) {
    const { out } = await guise(['complete', '--', ...typed])
    const words = out.split('\n').filter((line) => line !== '' && !line.startsWith(':'))
    assert.equal(words.map((line) => line.split('\t')[0]).join('|'), offered, typed.join(' '))
  }
  assert.match((await guise(['complete', '--', 'pla'])).out, /^plan\t/)
  assert.match((await guise(['complete', '--', 'get', 'so'])).out, /^sources\t/)
  assert.match((await guise(['complete', '--', 'get', 'topology', ''])).out, /^segment\t/)
  assert.match((await guise(['complete', '--', 'lab', 'attack', 'ex'])).out, /^exfil\t/)
})

test('bash completes what is sourced, and runs nothing of what is typed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guise-completion-'))
  try {
    const script = `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`
    await writeFile(join(folder, 'guise'), script, { mode: 0o755 })
    const typed = [['pla'], ['plan', 's'], ['shift', '--t'], [`$(touch ${folder}/ran)`, '']]
    const ask = typed.map(
      (words, i) =>
        `COMP_WORDS=(guise ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _guise; echo "${i}: \${COMPREPLY[*]}"`,
    )
    const child = spawn(
      'bash',
      ['--norc', '-c', `source <(guise completion bash); complete -p guise; ${ask.join('; ')}`],
      {
        env: { PATH: `${folder}:${process.env.PATH}`, HOME: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let out = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    await once(child, 'close')
    const lines = out.trimEnd().split('\n')
    assert.deepEqual(lines.slice(0, 4), ['complete -o default -F _guise guise', '0: plan', '1: show', '2: --ttl'])
    assert.equal(existsSync(join(folder, 'ran')), false)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('policy lint needs no server', async () => {
  const file = new URL('../../examples/policies/block-outbound-low-rep.yaml', import.meta.url).pathname
  const { code, out } = await guise(['policy', 'lint', file])
  assert.deepEqual([code, out], [0, '1 manifest in order, 0 problems, 0 warnings.\n'])
  const wrong = await guise(['policy', 'lint', MAIN, '--json'])
  assert.equal(wrong.code, 1)
  assert.equal(JSON.parse(wrong.out).ok, false)
})

test('policy test runs offline on addresses and personas; a failure is told at its place', async () => {
  const examples = new URL('../../examples/policies', import.meta.url).pathname
  const { code, out } = await guise(['policy', 'test', examples])
  assert.deepEqual([code, out], [0, '5 passed, 0 failed, on these files alone.\n'])
  const wrong = new URL('../../test/broken-manifests/failing-test.yaml', import.meta.url).pathname
  const failed = await guise(['policy', 'test', wrong])
  assert.equal(failed.code, 1)
  assert.equal(
    failed.out,
    `${wrong}:10:7: test from 203.0.113.9 to Database tcp 5432: expected allow, got deny by policy closed rule 1: deny ingress from anyone on tcp 5432 [closed/0]\n0 passed, 1 failed, on these files alone.\n`,
  )
  const named = new URL('../../test/broken-manifests/needs-workloads.yaml', import.meta.url).pathname
  assert.equal((await guise(['policy', 'test', named, '--server', 'http://127.0.0.1:2'])).code, 3)
})

test('a group without its command is helped, as JSON where asked', async () => {
  const helped = await guise(['policy'])
  assert.deepEqual([helped.code, helped.out], [2, ''])
  assert.match(helped.err, /^Usage: guise policy/)
  const told = await guise(['policy', '--json'])
  assert.equal(told.code, 2)
  assert.match(JSON.parse(told.out).error, /A command of this group is missing\. See guise policy --help\./)
})
