/** What a flow speaks, in words: what the sensor recognised, then its port. A port alone proves no protocol, so it is not named after one. */

const SERVICES: Readonly<Record<string, string>> = {
  https: 'HTTPS',
  http: 'HTTP',
  tls: 'TLS',
  ssl: 'TLS',
  dns: 'DNS',
  ssh: 'SSH',
  postgresql: 'PostgreSQL',
  mysql: 'MySQL',
  redis: 'Redis',
  amqp: 'AMQP',
  mqtt: 'MQTT',
  ntp: 'NTP',
  smb: 'SMB',
  smtp: 'SMTP',
  ldap: 'LDAP',
  rdp: 'RDP',
}
const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6', 132: 'sctp' }

export function serviceWord(service: string): string {
  return SERVICES[service] ?? service
}

/** IANA protocol number, in words. */
export function protocolWord(proto: number): string {
  return PROTOCOLS[proto] ?? `ip ${proto}`
}

/** `443 tcp` */
export function portWord({ port, proto }: { readonly port: number; readonly proto: number }): string {
  return proto === 1 || proto === 58 ? protocolWord(proto) : `${port} ${protocolWord(proto)}`
}
