/** `--protocol`, as `why` and `trace` take it. */
import { Option } from 'commander'

export const protocolOption = () =>
  new Option('--protocol <name>', 'of the flow').choices(['tcp', 'udp', 'icmp'] as const)
