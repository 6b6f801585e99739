/**
 * Ports a server is likely to stand on, as Zeek's scripts teach it (`likely_server_ports`, collected from
 * scripts/base/protocols and scripts/base/packet-protocols): who is the client of a conversation whose beginning was
 * not captured is guessed by them.
 */
export type ServerPorts = {
  readonly tcp: ReadonlySet<number>
  readonly udp: ReadonlySet<number>
  /** UDP ports where a conversation is a question and its answer, and over 10 s later. */
  readonly dns: ReadonlySet<number>
}

export const SERVER_PORTS: ServerPorts = {
  tcp: new Set([
    21, 22, 25, 53, 80, 81, 88, 110, 135, 139, 143, 389, 443, 445, 502, 563, 585, 587, 614, 631, 636, 989, 990, 992,
    993, 995, 1080, 1434, 2811, 3128, 3268, 3306, 3389, 5222, 5223, 5269, 5432, 6379, 6666, 6667, 6668, 6669, 8000,
    8080, 8888, 1883, 20000,
  ]),
  udp: new Set([
    53, 67, 88, 123, 137, 161, 162, 389, 443, 514, 784, 1812, 2123, 2152, 3268, 3389, 3544, 4789, 5060, 5072, 5353,
    5355, 6081, 20000,
  ]),
  dns: new Set([53, 137, 5353, 5355]),
}

/** What Zeek knows in its bare mode (`-b`) before any script of base/protocols is loaded: ports of tunnels. */
export const TUNNEL_PORTS: ServerPorts = {
  tcp: new Set(),
  udp: new Set([2123, 2152, 3544, 4789, 5072, 6081]),
  dns: new Set(),
}
