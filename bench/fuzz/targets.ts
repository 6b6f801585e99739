/** Every decoder of bytes that strangers send, one line each. `npm test` runs each for a second, `bench fuzz` for a minute. */
import { locations } from './locations.ts'
import { ipfix, netflow, netflowDescribed } from './netflow.ts'
import { conntrackMessage, sockDiagMessage } from './netlink.ts'
import { dns, dnsAnswer, pcap, portraits, tlsHello } from './pcap.ts'
import type { FuzzTarget } from './target.ts'
import { csvLines, eveLines, fileBeginning, nfdumpLines, zeekLines } from './text.ts'

export const TARGETS: readonly FuzzTarget[] = [
  netflow,
  ipfix,
  netflowDescribed,
  conntrackMessage,
  sockDiagMessage,
  zeekLines,
  eveLines,
  csvLines,
  nfdumpLines,
  fileBeginning,
  pcap,
  portraits,
  dns,
  dnsAnswer,
  tlsHello,
  locations,
]
