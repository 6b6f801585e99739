/**
 * Records a lab run: `node lab/record.ts --out DIR --seconds N --seed S [--plan training] [--attack exfil]`. In: root and a
 * lab of its own prefix. Out: `conn.log.gz` (Zeek JSON rows) and `inventory.json`, to be replayed without root.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { type Attack, labAttack } from './attack.ts'
import { type ConnRow, createConnLog } from './conn-log.ts'
import { labDown } from './down.ts'
import { type LabPlan, standardLab } from './topology.ts'
import { trainingLab } from './training-plan.ts'
import { inventoryOf, labUp } from './up.ts'

const execute = promisify(execFile)
/** A listing makes the kernel report what has expired; its own sweep takes up to a minute. */
const LIST_EVERY_MS = 1_500

export async function recordFlows(router: string, seconds: number, log = createConnLog()): Promise<ConnRow[]> {
  const inside = (...argv: string[]) => ['netns', 'exec', router, 'conntrack', ...argv]
  const list = async () => (await execute('ip', inside('-L', '-o', 'extended,id'), { maxBuffer: 256 << 20 })).stdout
  const events = spawn('ip', inside('-E', '-e', 'NEW,DESTROY', '-b', '67108864', '-o', 'timestamp,extended,id'), {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  createInterface({ input: events.stdout }).on('line', (line) => log.event(line))
  const until = Date.now() + seconds * 1_000
  while (Date.now() < until) {
    await wait(LIST_EVERY_MS)
    await list()
  }
  const left = await list()
  events.kill()
  for (const line of left.split('\n')) log.listed(line, Date.now() / 1_000)
  return log.rows()
}

export function writeRecording(dir: string, plan: LabPlan, rows: readonly ConnRow[]): void {
  mkdirSync(dir, { recursive: true })
  const lines = rows.map((row) => JSON.stringify(row)).join('\n')
  writeFileSync(`${dir}/conn.log.gz`, gzipSync(`${lines}\n`, { level: 9 }))
  const truth = Object.fromEntries(plan.workloads.map((w) => [w.name, w.persona]))
  writeFileSync(`${dir}/inventory.json`, `${JSON.stringify(inventoryOf(plan, 'recording'), null, 1)}\n`)
  writeFileSync(`${dir}/truth.json`, `${JSON.stringify({ seed: plan.seed, personas: truth }, null, 1)}\n`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      seconds: { type: 'string', default: '360' },
      seed: { type: 'string', default: '1' },
      prefix: { type: 'string', default: 'guiserec' },
      plan: { type: 'string', default: 'standard' },
      attack: { type: 'string' },
    },
  })
  if (!values.out) throw new Error('recording: where to? Say --out DIR')
  const make = values.plan === 'training' ? trainingLab : standardLab
  const { prefix, seed: seedText } = values
  const seed = Number(seedText)
  const seconds = Number(values.seconds)
  const dir = `/run/${prefix}`
  const lab = await labUp({ prefix, dir, seed, plan: make })
  try {
    const recording = recordFlows(lab.router, seconds)
    if (values.attack) {
      await wait(Math.max(0, seconds - 100) * 1_000)
      await labAttack(values.attack as Attack, { dir, seconds: 60 })
    }
    const rows = await recording
    const anonymous = make(prefix, seed)
    writeRecording(values.out, { ...anonymous, prefix: 'guise' }, rows)
    console.log(JSON.stringify({ flows: rows.length, out: values.out }))
  } finally {
    await labDown({ prefix, dir })
  }
}

if (import.meta.main) await main()
