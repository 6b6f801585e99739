/** `10.0.0.5/24`: an address with the length of its network, host bits allowed (unlike a CIDR). */
import { formatAddress, isV4, parseAddress, parseCidr, type Words } from '../model/address.ts'

export type InterfaceAddress = {
  readonly address: string
  /** As written: 24, not 120. */
  readonly length: number
  /** `10.0.0.0/24` */
  readonly network: string
}

export function parseInterfaceAddress(text: string): InterfaceAddress | null {
  const [left, right, ...rest] = text.split('/')
  const words = parseAddress(left ?? '')
  if (words === null || rest.length > 0 || right === undefined || !/^(0|[1-9]\d{0,2})$/.test(right)) return null
  const length = Number(right)
  const v4 = isV4(words)
  if (length > (v4 ? 32 : 128)) return null
  const bits = v4 ? length + 96 : length
  const masked = words.map((word, i) => {
    const keep = Math.min(32, Math.max(0, bits - i * 32))
    return keep === 0 ? 0 : (word & (0xffffffff << (32 - keep))) >>> 0
  }) as unknown as Words
  const network = `${formatAddress(masked)}/${length}`
  return parseCidr(network) === null ? null : { address: formatAddress(words), length, network }
}
