/** Mappings from outside: a bound on how many keys, on their length, and the same kind of value behind every one of them. */
import { type TSchema, Type } from 'typebox'

/**
 * The length of a key is bound by a pattern, because a mapping does not look at its `maxLength`. It takes line breaks as well:
 * a key that fits no pattern is let in, with anything behind it, where the mapping is not closed.
 */
export const mapping = <T extends TSchema>(keyLength: number, value: T, maxProperties: number) =>
  Type.Record(Type.String({ pattern: `^[\\s\\S]{0,${keyLength}}$` }), value, {
    additionalProperties: false,
    maxProperties,
  })
