/** A device that only routes through a host is known by its Ethernet address, which stays when its addresses change. */
const DEVICE = 'device:'

/** `mac` as the kernel has it: six bytes in lower-case hex. */
export function deviceKey(mac: string): string {
  return `${DEVICE}${mac}`
}

export function macOfDevice(key: string): string | null {
  const mac = key.startsWith(DEVICE) ? key.slice(DEVICE.length).toLowerCase() : ''
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : null
}
