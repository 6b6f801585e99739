/**
 * What the fields of a template mean to a flow: (enterprise, element) in, operation out. Element numbers are IANA's (RFC
 * 7012; NetFlow v9 uses the same below 128), reverse elements RFC 5103's, and the few vendor ones that name an application.
 */

/** What is done with a field's value. Those at and above `startSeconds` are times; below `sourcePort` no numbers. */
export const Op = {
  none: 0,
  source4: 1,
  target4: 2,
  source6: 3,
  target6: 4,
  service: 5,
  sourcePort: 8,
  targetPort: 9,
  proto: 10,
  bytesOut: 11,
  packetsOut: 12,
  bytesIn: 13,
  packetsIn: 14,
  flags: 15,
  reverseFlags: 16,
  icmp: 17,
  icmpType: 18,
  icmpCode: 19,
  sampler: 20,
  samplingInterval: 21,
  event: 22,
  direction: 23,
  application: 24,
  initialTime: 25,
  startSeconds: 32,
  startMillis: 33,
  startNtp: 34,
  startUptime: 35,
  startBefore: 36,
  endSeconds: 40,
  endMillis: 41,
  endNtp: 42,
  endUptime: 43,
  endBefore: 44,
  durationMillis: 48,
  durationMicros: 49,
} as const

export const REVERSE = 29305
const PALO_ALTO_APPLICATION = 56_701
const NPROBE_APPLICATION = 57_591

/** Ordered by preference where several fields give the same fact: an earlier one that is not zero is kept. */
const IANA: readonly (readonly [element: number, op: number])[] = [
  [8, Op.source4],
  [12, Op.target4],
  [27, Op.source6],
  [28, Op.target6],
  [96, Op.service],
  [PALO_ALTO_APPLICATION, Op.service],
  [NPROBE_APPLICATION, Op.service],
  [95, Op.application],
  [7, Op.sourcePort],
  [180, Op.sourcePort],
  [182, Op.sourcePort],
  [11, Op.targetPort],
  [181, Op.targetPort],
  [183, Op.targetPort],
  [4, Op.proto],
  [1, Op.bytesOut],
  [231, Op.bytesOut],
  [85, Op.bytesOut],
  // An exporter that meters on the way out has nothing in IN_BYTES (RFC 3954 §8).
  [23, Op.bytesOut],
  [2, Op.packetsOut],
  [298, Op.packetsOut],
  [86, Op.packetsOut],
  [24, Op.packetsOut],
  [232, Op.bytesIn],
  [299, Op.packetsIn],
  [6, Op.flags],
  [32, Op.icmp],
  [139, Op.icmp],
  [176, Op.icmpType],
  [178, Op.icmpType],
  [177, Op.icmpCode],
  [179, Op.icmpCode],
  [48, Op.sampler],
  [302, Op.sampler],
  [34, Op.samplingInterval],
  [50, Op.samplingInterval],
  [305, Op.samplingInterval],
  [233, Op.event],
  [40_005, Op.event],
  [239, Op.direction],
  [160, Op.initialTime],
  [152, Op.startMillis],
  [154, Op.startNtp],
  [156, Op.startNtp],
  [150, Op.startSeconds],
  [22, Op.startUptime],
  [158, Op.startBefore],
  [153, Op.endMillis],
  [155, Op.endNtp],
  [157, Op.endNtp],
  [151, Op.endSeconds],
  [21, Op.endUptime],
  [159, Op.endBefore],
  [323, Op.endMillis],
  [161, Op.durationMillis],
  [162, Op.durationMicros],
]

const REVERSED: readonly (readonly [element: number, op: number])[] = [
  [1, Op.bytesIn],
  [85, Op.bytesIn],
  [2, Op.packetsIn],
  [86, Op.packetsIn],
  [6, Op.reverseFlags],
]

/** CERT (YAF): flags of the first packet and of the others, both ways; Barracuda: name of the service. */
const VENDOR: Readonly<Record<number, readonly (readonly [element: number, op: number])[]>> = {
  6871: [
    [14, Op.flags],
    [15, Op.flags],
    [16_398, Op.reverseFlags],
    [16_399, Op.reverseFlags],
  ],
  10704: [[5, Op.service]],
}

type Meaning = { readonly op: number; readonly rank: number }

function table(rows: readonly (readonly [number, number])[]): ReadonlyMap<number, Meaning> {
  return new Map(rows.map(([element, op], rank) => [element, { op, rank }]))
}
const BY_ENTERPRISE: ReadonlyMap<number, ReadonlyMap<number, Meaning>> = new Map([
  [0, table(IANA)],
  [REVERSE, table(REVERSED)],
  ...Object.entries(VENDOR).map(([enterprise, rows]) => [Number(enterprise), table(rows)] as const),
])
const NOTHING: Meaning = { op: Op.none, rank: 0 }

export function meaningOf(enterprise: number, element: number): Meaning {
  return BY_ENTERPRISE.get(enterprise)?.get(element) ?? NOTHING
}
