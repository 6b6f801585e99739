/** Text logs under fuzz: lines of Zeek, EVE, CSV and nfdump, whole files as a reader of files feeds them. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createFlowBatch } from '../../src/model/flow.ts'
import { createAuditReader } from '../../src/observe/sensors/auditd.ts'
import { createFalcoReader } from '../../src/observe/sensors/falco.ts'
import { type SensorReader, sensorRows } from '../../src/observe/sensors/sensor.ts'
import { createTetragonReader } from '../../src/observe/sensors/tetragon.ts'
import { createServiceNames } from '../../src/observe/source.ts'
import { createCsvRows } from '../../src/observe/sources/csv-rows.ts'
import { createEveRows } from '../../src/observe/sources/eve-rows.ts'
import type { LineRows } from '../../src/observe/sources/line-rows.ts'
import { createLines } from '../../src/observe/sources/lines.ts'
import { createNfdumpRows } from '../../src/observe/sources/nfdump-rows.ts'
import { sniff } from '../../src/observe/sources/sniff.ts'
import { createZeekLog } from '../../src/observe/sources/zeek-log.ts'
import { DATA } from '../../test/need.ts'
import type { FuzzTarget } from './target.ts'

const BATCH_ROWS = 4_096
const SAMPLE_BYTES = 20_000
const MAX_SAMPLES = 40

const ZEEK = [
  '#separator \\x09\n#path\tdns\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\tqtype\trcode\tanswers\n1700000000.5\t10.0.0.1\t5353\t10.0.0.53\t53\tudp\tname.example\t1\t0\t192.0.2.1,192.0.2.2\n',
  '#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\n1700000000.5\t10.0.0.1\t1\t10.0.0.2\t2\ttcp\tSF\n',
  '{"_path":"ssh","ts":1700000000,"id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":22,"auth_success":false,"client":"SSH-2.0-x"}\n',
]
const EVE = [
  '{"timestamp":"2026-11-21T08:00:00.123456+0000","flow_id":1,"event_type":"flow","src_ip":"10.0.0.1","src_port":1,"dest_ip":"10.0.0.2","dest_port":80,"proto":"TCP","app_proto":"http","flow":{"pkts_toserver":1,"pkts_toclient":1,"bytes_toserver":60,"bytes_toclient":40,"start":"2026-11-21T08:00:00.123456+0000","end":"2026-11-21T08:00:01.123456+0000","state":"closed"},"tcp":{"tcp_flags_ts":"02","tcp_flags_tc":"14"}}\n',
  '{"timestamp":"2026-11-21T08:00:00.123456+0000","flow_id":1,"event_type":"dns","src_ip":"10.0.0.1","src_port":1,"dest_ip":"10.0.0.53","dest_port":53,"proto":"UDP","dns":{"version":3,"type":"response","id":1,"rcode":"NOERROR","queries":[{"rrname":"a.example","rrtype":"A"}],"answers":[{"rrname":"a.example","rrtype":"A","rdata":"192.0.2.1"}]}}\n',
]
const CSV = [
  'StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n2018/09/27 22:40:52.362768,1.5,tcp,10.0.0.1,5,  <?>,10.0.0.2,22,FSPA_FSPA,0,0,35,3766,1224,\n',
]
const TETRAGON = [
  '{"process_exec":{"process":{"exec_id":"bTox","pid":41233,"uid":0,"binary":"/bin/sh","arguments":"-c id","docker":"998306071edc0123456789abcdef012"},"parent":{"pid":41230}},"node_name":"mars","time":"2026-09-03T16:21:06.9Z"}\n',
  '{"process_kprobe":{"process":{"pid":7,"pod":{"container":{"id":"containerd://998306071edc"}}},"function_name":"__x64_sys_openat"},"node_name":"mars"}\n{"rate_limit_info":{"number_of_dropped_process_events":"12"}}\n',
]
const FALCO = [
  '{"hostname":"mars","output":"Warning Shell","output_fields":{"container.id":"998306071edc","proc.pid":99},"priority":"Warning","rule":"shell","time":"2025-06-06T11:23:11.855188321Z"}\n',
]
const AUDIT = [
  'type=SYSCALL msg=audit(1650921443.448:267): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=935 comm="sh" exe="/bin/sh"\ntype=EXECVE msg=audit(1650921443.448:267): argc=2 a0="sh" a1=2D63\nnode=mars type=SOCKADDR msg=audit(1650921443.449:268): saddr=020000007F000001\n',
]
const NFDUMP = ['2018-01-12 15:37:30.942,2018-01-12 15:37:30.942,6,10.0.0.1,5,10.0.0.2,902,......S.,1,60,0,0\n']

export const zeekLines = textTarget('zeek lines', ZEEK, ['zat-zeek-logs/*.log', 'zeek-json-all-fields/*.log'], () =>
  createZeekLog(createServiceNames()),
)
export const eveLines = textTarget('eve lines', EVE, [], () => createEveRows(createServiceNames()))
export const csvLines = textTarget('csv lines', CSV, [], () => createCsvRows(createServiceNames(), null))
export const tetragonLines = sensorTarget('tetragon lines', TETRAGON, createTetragonReader)
export const falcoLines = sensorTarget('falco lines', FALCO, createFalcoReader)
export const auditLines = sensorTarget('audit lines', AUDIT, createAuditReader)
export const nfdumpLines = textTarget('nfdump lines', NFDUMP, [], createNfdumpRows)

/** What decides which of them a file is. */
export const fileBeginning: FuzzTarget = {
  name: 'beginning of a file',
  samples: () => [...ZEEK, ...EVE, ...CSV].map((text) => Buffer.from(text)),
  open: () => (input) => void sniff(Buffer.from(input), 'conn.log', null),
  growing: { 'one line': (bytes) => Buffer.alloc(bytes, '{"ts":'), columns: (bytes) => Buffer.alloc(bytes, 'a,') },
  maxBytes: 16_384,
}

function sensorTarget(name: string, made: readonly string[], make: () => SensorReader): FuzzTarget {
  return textTarget(name, made, [], () => sensorRows(make(), { events: 0, lost: 0 }, () => {}))
}

function textTarget(name: string, made: readonly string[], globs: readonly string[], make: () => LineRows): FuzzTarget {
  return {
    name,
    samples: () => [...made.map((text) => Buffer.from(text)), ...filesOf(globs)],
    open() {
      const batch = createFlowBatch(BATCH_ROWS)
      let rows = make()
      let fed = 0
      return (input) => {
        // A header stays in force for its file: another one now and then, so that rows meet all of them.
        if (++fed % 16 === 0) rows = make()
        const lines = createLines()
        const take = (bytes: Buffer, from: number, to: number) => {
          rows.take(batch, bytes, from, to)
          if (batch.count < BATCH_ROWS && batch.hints.length < BATCH_ROWS) return
          batch.count = 0
          batch.hints.length = 0
        }
        lines.push(Buffer.from(input.buffer, input.byteOffset, input.length), take, () => {})
        lines.end(take)
      }
    },
    growing: {
      'lines as they are': (bytes) => Buffer.alloc(bytes, made[0]!),
      'one line': (bytes) => Buffer.alloc(bytes, '{"event_type":"flow",'),
      'empty lines': (bytes) => Buffer.alloc(bytes, '\n'),
      'many cells': (bytes) => Buffer.alloc(bytes, '\t",'),
    },
  }
}

function filesOf(globs: readonly string[]): Uint8Array[] {
  if (!existsSync(`${DATA}/formats`)) return []
  return globs
    .flatMap((glob) => globSync(`${DATA}/formats/${glob}`))
    .slice(0, MAX_SAMPLES)
    .map((path) => readFileSync(path).subarray(0, SAMPLE_BYTES))
}
