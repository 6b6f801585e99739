/** Who the database and the server run as: PostgreSQL refuses uid 0, and nothing but the agent needs to be root. */
import { readFileSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'

export type ServiceUser = { readonly uid: number; readonly gid: number; readonly name: string }

const NOBODY: ServiceUser = { uid: 65534, gid: 65534, name: 'nobody' }

/** The user to become when started as root: `guise` when it exists (bin/setup adds it), else nobody. Null when not root. */
export function serviceUser(): ServiceUser | null {
  if (process.getuid?.() !== 0) return null
  const passwd = readFileSync('/etc/passwd', 'utf8')
  return (
    passwdEntry(passwd, (fields) => fields[0] === 'guise') ?? passwdEntry(passwd, (f) => f[2] === '65534') ?? NOBODY
  )
}

function passwdEntry(passwd: string, wanted: (fields: readonly string[]) => boolean): ServiceUser | null {
  for (const line of passwd.split('\n')) {
    const fields = line.split(':')
    if (fields.length >= 4 && wanted(fields))
      return { name: fields[0]!, uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  return null
}

/** The name of whoever runs this process, as PostgreSQL's peer authentication sees it; null when it has none. */
export function currentUserName(): string | null {
  try {
    return userInfo().username
  } catch {
    return null
  }
}

/** The first folder on the way to `path` (itself included) that `user` may not enter, or null. */
export function firstClosedFolder(path: string, user: ServiceUser): string | null {
  const way: string[] = []
  for (let at = path; ; at = dirname(at)) {
    way.unshift(at)
    if (at === dirname(at)) break
  }
  return way.find((folder) => !mayEnter(folder, user)) ?? null
}

function mayEnter(folder: string, user: ServiceUser): boolean {
  const { uid, gid, mode } = statSync(folder)
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  return (mode & bit) !== 0
}
