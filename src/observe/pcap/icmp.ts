/** Which ICMP message answers which, as Zeek pairs them (ICMP.cc): −1 = nothing does, and the code stands for a port. */
const V4 = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [10, 9],
  [9, 10],
  [17, 18],
  [18, 17],
])
const V6 = new Map([
  [128, 129],
  [129, 128],
  [133, 134],
  [134, 133],
  [135, 136],
  [136, 135],
  [130, 131],
  [131, 130],
  [139, 140],
  [140, 139],
  [144, 145],
  [145, 144],
])

export function icmpCounterpart(version: 4 | 6, type: number): number {
  return (version === 4 ? V4 : V6).get(type) ?? -1
}
