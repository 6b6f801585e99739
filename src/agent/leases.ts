/**
 * A file of DHCP leases as dnsmasq writes it (dnsmasq(8), --dhcp-leasefile: `expiry mac address name client-id`) comes in,
 * names by Ethernet address go out. Devices choose their names themselves, so a name is a label and nothing else.
 */
import { readFileSync, statSync } from 'node:fs'
import { plainText } from '../model/plain-text.ts'

const MOST_BYTES = 1 << 20
const MOST_LEASES = 5_000
const MOST_LETTERS = 63

export function readLeases(text: string): Map<string, string> {
  const names = new Map<string, string>()
  for (const line of text.slice(0, MOST_BYTES).split('\n', MOST_LEASES)) {
    const [, mac = '', , given = '*'] = line.split(' ')
    const name = plainText(given, MOST_LETTERS)
    if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac) && name !== '*' && name !== '') names.set(mac.toLowerCase(), name)
  }
  return names
}

/** Reads the file again only when it was written. A file that is not there names nobody. */
export function openLeases(path: string | null): () => ReadonlyMap<string, string> {
  let [mark, names]: [string, ReadonlyMap<string, string>] = ['', new Map()]
  return () => {
    if (path === null) return names
    try {
      const { mtimeMs, size } = statSync(path)
      const now = `${mtimeMs} ${size}`
      if (now === mark) return names
      ;[mark, names] = [now, size > MOST_BYTES ? new Map() : readLeases(readFileSync(path, 'utf8'))]
    } catch {
      ;[mark, names] = ['', new Map()]
    }
    return names
  }
}
