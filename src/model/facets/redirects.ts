/** The `redirects` facet: flows that a workload's rules let through, and that go elsewhere than they were meant to. */
import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const AddressText = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}$' })
const CidrText = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}(/\\d{1,3})?$' })
const Protocol = Type.Union([Type.Literal('tcp'), Type.Literal('udp')])
const Port = Type.Integer({ minimum: 1, maximum: 65_535 })

export const MOST_REDIRECTS = 200

export const RedirectsWish = Type.Object(
  {
    /** Of one flow the first that fits. */
    flows: Type.Array(
      Type.Object(
        {
          rule: Type.String({ maxLength: 160 }),
          cidr: CidrText,
          except: Type.Array(CidrText, { maxItems: 100 }),
          protocol: Protocol,
          from: Port,
          to: Port,
          address: AddressText,
          /** null = the one that was asked for. */
          port: Type.Union([Port, Type.Null()]),
        },
        closed,
      ),
      { minItems: 1, maxItems: MOST_REDIRECTS },
    ),
    /** What is never led away: the control plane. */
    spared: Type.Array(Type.Object({ cidr: CidrText, port: Port }, closed), { maxItems: 100 }),
  },
  closed,
)
export type RedirectsWish = Static<typeof RedirectsWish>
export type Redirect = RedirectsWish['flows'][number]
