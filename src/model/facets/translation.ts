/** The `egressAddress` and `publishedPorts` facets: what others see a workload as, and where they reach it. */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const AddressText = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}$' })
const CidrText = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}(/\\d{1,3})?$' })

export const EgressAddress = Type.Object(
  {
    /** One per family. They must lead back to this host. */
    addresses: Type.Array(AddressText, { minItems: 1, maxItems: 2 }),
    /** Towards these it keeps its own address. */
    except: Type.Optional(Type.Array(CidrText, { maxItems: 32 })),
  },
  closed,
)
export type EgressAddress = Static<typeof EgressAddress>

export const EgressAddressWish = Type.Object(
  { addresses: Type.Array(AddressText, { minItems: 1, maxItems: 2 }), except: Type.Array(CidrText, { maxItems: 32 }) },
  closed,
)
export type EgressAddressWish = Static<typeof EgressAddressWish>

const Protocol = Type.Union([Type.Literal('tcp'), Type.Literal('udp')])
const Port = Type.Integer({ minimum: 1, maximum: 65_535 })

/** A port of this host that leads to the workload. Rules name the port as the client dialled it. */
export const PublishedPorts = Type.Array(
  Type.Object({ protocol: Protocol, port: Port, /** Absent = the same. */ to: Type.Optional(Port) }, closed),
  { minItems: 1, maxItems: 64 },
)
export type PublishedPorts = Static<typeof PublishedPorts>

export const PublishedPortsWish = Type.Array(Type.Object({ protocol: Protocol, port: Port, to: Port }, closed), {
  minItems: 1,
  maxItems: 64,
})
export type PublishedPortsWish = Static<typeof PublishedPortsWish>

export function egressAddressWish({ addresses, except = [] }: EgressAddress): EgressAddressWish {
  return { addresses: [...addresses], except: [...except] }
}

export function publishedPortsWish(ports: PublishedPorts): PublishedPortsWish {
  return ports.map(({ protocol, port, to = port }) => ({ protocol, port, to }))
}
