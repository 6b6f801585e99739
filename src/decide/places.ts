/** Countries and autonomous systems of addresses, as far as somebody gave a file that knows them: what rules by place stand on. */
export type Place = { readonly country: string } | { readonly asn: number }
export type Places = {
  /** Of the files, for the record of a decision. */
  readonly digest: string
  /** Canonical prefixes, in order; `no-data` = no file tells this kind, `too-many` = more than a set holds. */
  members(place: Place): readonly string[] | 'no-data' | 'too-many'
}

export const NO_PLACES: Places = { digest: 'none', members: () => 'no-data' }

/** One place in a rule; `geo:DE`, `asn:64500`. */
export const placeSet = (place: Place): string => ('country' in place ? `geo:${place.country}` : `asn:${place.asn}`)
export const placeText = (place: Place): string => ('country' in place ? `country ${place.country}` : `AS${place.asn}`)
