/** Services that one logs in to, and how many short sessions in 5 minutes are too many to be anything but guessing. */

export type LoginService = { readonly name: string; readonly least: number; readonly mostPerFlow: number }
/**
 * Zeek: FTP::bruteforce_threshold is 20 in 15 min, SSH::password_guesses_limit 30 in 30 min, both of failed log-ins. Flows do
 * not say whether a log-in failed, so we ask for 20 in 5 min, all small: an SSH key exchange is 5 to 6 kB, a refused password
 * adds less than 1. Databases get short connections from programs without a pool all day: 100, each smaller than one result.
 */
const login = (name: string): LoginService => ({ name, least: 20, mostPerFlow: 10_000 })
const database = (name: string): LoginService => ({ name, least: 100, mostPerFlow: 1_000 })
const SERVICES: ReadonlyMap<number, LoginService> = new Map([
  [21, login('FTP')],
  [22, login('SSH')],
  [23, login('Telnet')],
  [25, login('SMTP')],
  [110, login('POP3')],
  [143, login('IMAP')],
  [445, login('SMB')],
  [465, login('SMTP')],
  [587, login('SMTP')],
  [993, login('IMAP')],
  [995, login('POP3')],
  [1433, database('SQL Server')],
  [1521, database('Oracle')],
  [3306, database('MySQL')],
  [3389, login('RDP')],
  [5432, database('PostgreSQL')],
  [5900, login('VNC')],
  [6379, database('Redis')],
  [27017, database('MongoDB')],
])

/** Asked on every flow: a byte per port says which, 0 = none. */
const LIST = [...SERVICES]
const PLACE = new Uint8Array(65_536)
LIST.forEach(([port], i) => {
  PLACE[port] = i + 1
})

export function loginService(port: number): LoginService | null {
  const place = PLACE[port] ?? 0
  return place === 0 ? null : LIST[place - 1]![1]
}
