/** How several personas on one workload become one profile; written in a Persona (of its wearers) or a Policy (of its subjects). */
import { type Static, Type } from 'typebox'

export const STRATEGIES = ['priority', 'share', 'weighted', 'strictest', 'expectedCost'] as const
export type Strategy = (typeof STRATEGIES)[number]

const closed = { additionalProperties: false } as const

export const Overlap = Type.Object(
  {
    /**
     * priority: the first persona, the others where it says nothing. share: it, and the first ⌈p·n⌉ rules of each other.
     * weighted: rules of all above `cut`, numbers averaged by probability. strictest: what every one allows.
     * expectedCost: denied where p(those that deny)·breach > p(those that allow)·outage.
     */
    strategy: Type.Optional(Type.Enum([...STRATEGIES], { default: 'priority' })),
    /** Worn beside the first one, by the word of whoever writes this: assigned. What is left of 1 is the first one's. */
    with: Type.Optional(
      Type.Array(
        Type.Object(
          {
            persona: Type.String({ minLength: 1, maxLength: 63 }),
            weight: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
          },
          closed,
        ),
        { minItems: 1, maxItems: 8 },
      ),
    ),
    /** Personas believed with at least this probability take part. They only tighten. Absent: belief takes no part. */
    believed: Type.Optional(Type.Number({ minimum: 0.05, maximum: 1 })),
    /** Of `weighted`: rules of a persona below this probability are left out. */
    cut: Type.Optional(Type.Number({ minimum: 0, maximum: 1, default: 0.3 })),
    /** Of `expectedCost`: what one let through, and one refused, that should not have been, cost beside each other. */
    cost: Type.Optional(
      Type.Object(
        {
          breach: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }),
          outage: Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 }),
        },
        closed,
      ),
    ),
    /** Lets a belief of at least `inferred` grant as if it were assigned, once as many people approved as `approval` says. */
    trust: Type.Optional(
      Type.Object(
        {
          inferred: Type.Number({ minimum: 0.8, maximum: 1 }),
          approval: Type.Union([Type.Literal('one'), Type.Literal('two')]),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type Overlap = Static<typeof Overlap>

/** Who says that a persona is worn. `trusted` = believed, and a person wrote `trust` for that. */
export const WORD = ['assigned', 'trusted', 'inferred'] as const
export type Word = (typeof WORD)[number]

/** What a resolved state says of the personas it was merged from; the first is the one it is named after. */
export const Merged = Type.Object(
  {
    strategy: Type.Enum([...STRATEGIES]),
    of: Type.Array(
      Type.Object(
        {
          id: Type.String({ maxLength: 64 }),
          name: Type.String({ maxLength: 64 }),
          version: Type.Integer(),
          p: Type.Number({ minimum: 0, maximum: 1 }),
          word: Type.Enum([...WORD]),
        },
        closed,
      ),
      { minItems: 2, maxItems: 16 },
    ),
    /** Of every merged number: what it came to, and who said what. */
    numbers: Type.Optional(
      Type.Array(
        Type.Object(
          {
            what: Type.String({ maxLength: 64 }),
            value: Type.Number(),
            from: Type.Array(
              Type.Object(
                {
                  persona: Type.String({ maxLength: 64 }),
                  p: Type.Number({ minimum: 0, maximum: 1 }),
                  value: Type.Number(),
                },
                closed,
              ),
              { maxItems: 16 },
            ),
          },
          closed,
        ),
        { maxItems: 32 },
      ),
    ),
  },
  closed,
)
export type Merged = Static<typeof Merged>
