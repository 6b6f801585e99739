/**
 * Flow events are most of an EVE log and always look alike: their values are found by their keys, without building the object.
 * That is sound where no text is escaped (nothing between quotes can then look like a key) and no other object comes before
 * `flow`; any other line is left to JSON.parse. What is cut out is checked by whoever uses it.
 */

/** Offsets into the line, [from, to) each; 0, 0 = not there. Reused from line to line. */
export type FlowScan = {
  readonly source: Span
  readonly target: Span
  readonly proto: Span
  readonly service: Span
  readonly start: Span
  readonly end: Span
  readonly state: Span
  readonly flagsOut: Span
  readonly flagsIn: Span
  sourcePort: number
  targetPort: number
  icmpType: number
  icmpCode: number
  bytesOut: number
  bytesIn: number
  packetsOut: number
  packetsIn: number
}
type Span = { from: number; to: number }

export function createFlowScan(): FlowScan {
  const span = (): Span => ({ from: 0, to: 0 })
  return {
    source: span(),
    target: span(),
    proto: span(),
    service: span(),
    start: span(),
    end: span(),
    state: span(),
    flagsOut: span(),
    flagsIn: span(),
    sourcePort: 0,
    targetPort: 0,
    icmpType: 0,
    icmpCode: 0,
    bytesOut: 0,
    bytesIn: 0,
    packetsOut: 0,
    packetsIn: 0,
  }
}

const FLOW = '"flow":{'
const TCP = '"tcp":{'

/** False when the line must be parsed. */
export function scanFlow(text: string, into: FlowScan): boolean {
  const flow = text.indexOf(FLOW)
  if (flow < 0 || text.charCodeAt(text.length - 1) !== 125 || text.indexOf('{', 1) !== flow + FLOW.length - 1)
    return false
  const flowEnd = text.indexOf('}', flow)
  const next = text.indexOf('{', flow + FLOW.length)
  // The object behind `flow` may only be `tcp`, and it the last one.
  const tcp = next < 0 ? -1 : next - TCP.length + 1
  if (next >= 0 && (next < flowEnd || !text.startsWith(TCP, tcp) || text.indexOf('{', next + 1) >= 0)) return false
  if (text.includes('\\')) return false
  return scanHead(text, flow, into) && scanBody(text, flow, flowEnd, into) && scanTcp(text, tcp, into)
}

function scanHead(text: string, end: number, into: FlowScan): boolean {
  into.sourcePort = countAt(text, '"src_port":', 0, end)
  into.targetPort = countAt(text, '"dest_port":', 0, end)
  into.icmpType = countAt(text, '"icmp_type":', 0, end)
  into.icmpCode = countAt(text, '"icmp_code":', 0, end)
  // A key that is not before `flow` may be behind it.
  const isWhole = textAt(text, '"src_ip":"', 0, end, into.source) && textAt(text, '"dest_ip":"', 0, end, into.target)
  if (isWhole !== true || textAt(text, '"proto":"', 0, end, into.proto) !== true) return false
  return textAt(text, '"app_proto":"', 0, end, into.service) !== null
}

function scanBody(text: string, from: number, end: number, into: FlowScan): boolean {
  into.bytesOut = countAt(text, '"bytes_toserver":', from, end)
  into.bytesIn = countAt(text, '"bytes_toclient":', from, end)
  into.packetsOut = countAt(text, '"pkts_toserver":', from, end)
  into.packetsIn = countAt(text, '"pkts_toclient":', from, end)
  const isWhole = textAt(text, '"start":"', from, end, into.start) && textAt(text, '"end":"', from, end, into.end)
  return isWhole === true && textAt(text, '"state":"', from, end, into.state) !== null
}

function scanTcp(text: string, from: number, into: FlowScan): boolean {
  into.flagsOut.from = into.flagsOut.to = into.flagsIn.from = into.flagsIn.to = 0
  if (from < 0) return true
  const end = text.indexOf('}', from)
  return (
    textAt(text, '"tcp_flags_ts":"', from, end, into.flagsOut) === true &&
    textAt(text, '"tcp_flags_tc":"', from, end, into.flagsIn) === true
  )
}

/** True = found, false = not there, null = there, but not where it belongs. */
function textAt(text: string, key: string, from: number, end: number, into: Span): boolean | null {
  const at = text.indexOf(key, from)
  into.from = into.to = 0
  if (at < 0) return false
  if (at >= end) return null
  into.from = at + key.length
  into.to = text.indexOf('"', into.from)
  return into.to < end ? true : null
}

/** 0 when absent, NaN for what is no count or not where it belongs. */
function countAt(text: string, key: string, from: number, end: number): number {
  const at = text.indexOf(key, from)
  if (at < 0) return 0
  if (at >= end) return Number.NaN
  let value = 0
  let i = at + key.length
  for (let digit = text.charCodeAt(i) - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt(++i) - 48)
    value = value * 10 + digit
  const after = text.charCodeAt(i)
  return i > at + key.length && (after === 44 || after === 125) ? value : Number.NaN
}
