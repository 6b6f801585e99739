/**
 * Two personas that differ in every facet they wear, and the secrets they name, put where an agent would have brought them. They
 * wear no `dlp`, `inspection`, `machine`, `onDeny` and `packages`.
 */
import { bootCertificate } from '../../guest/certificate.ts'
import type { AgentState, DesiredState, RuleList } from '../../src/model/desired.ts'
import type { RedirectsWish } from '../../src/model/facets/redirects.ts'
import type { Tls } from '../../src/model/facets/tls.ts'
import type { Vpn } from '../../src/model/facets/vpn.ts'
import { CARRIES, type DriverName } from '../../src/model/facets.ts'
import { bringSecrets, keyPair, refOf } from '../../test/whole-persona.ts'

export type Variant = 0 | 1
export type Secrets = { tls(variant: Variant): Tls; vpn(variant: Variant): Vpn; bring(home: string): void }

export async function makeSecrets(): Promise<Secrets> {
  const pairs = [await bootCertificate('first.lab.internal'), await bootCertificate('second.lab.internal')]
  const peer = keyPair().publicKey
  const values: Record<string, string> = { shared: keyPair().privateKey }
  for (const [i, { certificate, key }] of pairs.entries()) {
    values[`cert-${i}`] = certificate
    values[`key-${i}`] = key
    values[`tunnel-${i}`] = keyPair().privateKey
  }
  return {
    tls: (variant) => ({
      certificates: [
        { name: 'web', given: { certificate: refOf(`cert-${variant}`), privateKey: refOf(`key-${variant}`) } },
      ],
    }),
    vpn: (variant) => ({
      interface: 'wg0',
      addresses: [`10.9.0.${1 + variant}/24`],
      privateKey: refOf(`tunnel-${variant}`),
      peers: [
        {
          publicKey: peer,
          allowedIPs: [`10.9.${1 + variant}.0/24`],
          endpoint: '203.0.113.7:51820',
          ...(variant === 1 ? { presharedKey: refOf('shared'), keepalive: 25 } : {}),
        },
      ],
    }),
    bring: (home) => bringSecrets(home, values),
  }
}

export function rules(port: number): RuleList {
  return {
    rules: [
      {
        verdict: 'allow',
        match: { peer: { kind: 'set', set: 'friends' }, service: { protocol: 'tcp', from: port, to: port + 9 } },
        why: { rule: `atomic/${port}`, text: 'friends may' },
      },
    ],
    otherwise: 'deny',
    why: { rule: 'default-deny', text: 'nothing else may' },
  }
}

/** Led to where no workload is, so that each may wear it. */
export function redirects(variant: Variant): RedirectsWish {
  const [from, port] = [6_000 + 100 * variant, variant === 0 ? null : 6_300]
  const flow = { rule: `atomic/${from}`, except: [], protocol: 'tcp' as const, from, to: from + 9, port }
  return {
    flows: [
      { ...flow, cidr: '0.0.0.0/0', address: '172.31.77.2' },
      ...(variant === 0 ? [] : [{ ...flow, cidr: '::/0', except: ['fd77::/16'], address: 'fd77:ffff::2' }]),
    ],
    spared: [{ cidr: '10.77.3.2', port: from }],
  }
}

/** Of a whole persona, what a driver carries. */
export function carried(driver: DriverName, worn: Partial<DesiredState>): Partial<DesiredState> {
  const carries: readonly string[] = CARRIES[driver]
  return Object.fromEntries(Object.entries(worn).filter(([facet]) => carries.includes(facet)))
}

/** One more workload than `state` has. */
export function wearing(key: string, variant: Variant, worn: Partial<DesiredState>): DesiredState {
  return {
    workload: key,
    key,
    persona: { id: `p${variant}`, name: `P${variant}`, version: 1 },
    egress: rules(3_000 + 100 * variant),
    ingress: rules(4_000 + 100 * variant),
    containment: null,
    ...worn,
  }
}

/** The range's own state (network, dns, bandwidth, limits, translation) with a tunnel, certificates and redirects. */
export function whole(state: AgentState, variant: Variant, secrets: Secrets): AgentState {
  const worn: Partial<DesiredState>[] = [
    { tls: secrets.tls(variant), redirects: redirects(variant) },
    { vpn: secrets.vpn(variant) },
    variant === 1 ? { tls: secrets.tls(0), vpn: secrets.vpn(0), redirects: redirects(0) } : {},
  ]
  return { ...state, workloads: state.workloads.map((one, i) => ({ ...one, ...worn[i] })) }
}

/** The host's own rules change, and nothing that the range lives on is cut. */
export function hostRules(variant: Variant): Pick<DesiredState, 'egress' | 'ingress'> {
  const open: RuleList = { ...rules(5_000 + 100 * variant), otherwise: 'allow' }
  return { egress: open, ingress: open }
}
