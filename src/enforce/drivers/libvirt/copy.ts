/** A definition comes in, that of another domain like it goes out: its own uuid, name and link; libvirt gives it new addresses of hardware. */
import type { Element } from './xml.ts'

export type DomainCopy = { readonly name: string; readonly link: string }

/** Of its links the first alone is named; the others get the names that libvirt gives. */
export function copyOf(definition: Element, { uuid, name, link }: DomainCopy & { readonly uuid: string }): Element {
  const links = definition.children
    .filter((one) => one.name === 'devices')
    .flatMap(({ children }) => children.filter((one) => one.name === 'interface'))
  const own: Readonly<Record<string, string>> = { uuid, name }
  return {
    ...definition,
    children: definition.children.map((one) => {
      const text = own[one.name]
      if (text !== undefined) return { ...one, text }
      if (one.name !== 'devices') return one
      const children = one.children.map((device) =>
        device.name === 'interface' ? linkLike(device, device === links[0] ? link : null) : device,
      )
      return { ...one, children }
    }),
  }
}

function linkLike(device: Element, link: string | null): Element {
  const kept = device.children.filter(({ name }) => name !== 'mac' && name !== 'target' && name !== 'source')
  // A bridge or a network it hangs on is named by its source; of a tap that is our own addresses, which are the first one's.
  const source =
    device.attributes.get('type') === 'ethernet' ? [] : device.children.filter((one) => one.name === 'source')
  const target: Element[] =
    link === null ? [] : [{ name: 'target', attributes: new Map([['dev', link]]), children: [], text: '' }]
  return { ...device, children: [...source, ...kept, ...target] }
}
