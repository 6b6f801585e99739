/** Every decoder of bytes that strangers send, one line each. `npm test` runs each for a second, `bench fuzz` for a minute. */
import { locations } from './locations.ts'
import { ipfix, netflow, netflowDescribed } from './netflow.ts'
import { conntrackMessage, sockDiagMessage } from './netlink.ts'
import { dns, dnsAnswer, pcap, portraits, tlsHello } from './pcap.ts'
import type { FuzzTarget } from './target.ts'
import {
  auditLines,
  csvLines,
  eveLines,
  falcoLines,
  fileBeginning,
  nfdumpLines,
  tetragonLines,
  zeekLines,
} from './text.ts'

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
  tetragonLines,
  falcoLines,
  auditLines,
  fileBeginning,
  pcap,
  portraits,
  dns,
  dnsAnswer,
  tlsHello,
  locations,
]
