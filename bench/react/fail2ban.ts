/** fail2ban with a configuration of its own: one jail on one log, ban at the first line, `nft add element` into a table of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { feed } from '../../lab/namespace.ts'

export const FAIL2BAN_TABLE = `table inet guisef2b {
  set banned {
    type ipv4_addr
  }
  chain forward {
    type filter hook forward priority -1; policy accept;
    ip daddr @banned drop
  }
}`

/** Absolute paths throughout: with relative ones it waits 30 s and leaves a stray server behind. */
export async function startFail2ban(
  dir: string,
  router: string,
): Promise<{ readonly log: string; readonly process: ChildProcess; readonly messages: string }> {
  const config = join(dir, 'fail2ban')
  for (const folder of ['action.d', 'filter.d', 'jail.d']) mkdirSync(join(config, folder), { recursive: true })
  const [log, messages] = [join(dir, 'flows.log'), join(dir, 'fail2ban.log')]
  writeFileSync(log, '')
  const [socket, pid] = [join(dir, 'f2b.sock'), join(dir, 'f2b.pid')]
  writeFileSync(
    join(config, 'fail2ban.conf'),
    `[Definition]\nloglevel = INFO\nlogtarget = ${messages}\nsyslogsocket = auto\nsocket = ${socket}\npidfile = ${pid}\ndbfile = None\ndbpurgeage = 1d\ndbmaxmatches = 10\n`,
  )
  writeFileSync(
    join(config, 'jail.conf'),
    `[DEFAULT]\nbackend = auto\nignoreself = false\nignoreip =\nusedns = no\nmaxretry = 1\nfindtime = 600\nbantime = 600\nmaxmatches = 1\nprotocol = tcp\n\n[flows]\nenabled = true\nfilter = flows\nlogpath = ${log}\naction = flows\n`,
  )
  writeFileSync(
    join(config, 'filter.d/flows.conf'),
    '[Definition]\nfailregex = ^\\s*flow to <HOST> listed$\nignoreregex =\n',
  )
  writeFileSync(
    join(config, 'action.d/flows.conf'),
    '[Definition]\nactionstart =\nactionstop =\nactioncheck =\nactionban = nft add element inet guisef2b banned { <ip> }\nactionunban =\n',
  )
  await feed('ip', ['netns', 'exec', router, 'nft', '-f', '-'], FAIL2BAN_TABLE.split('\n'))
  const child = spawn(
    'nsenter',
    [`--net=/run/netns/${router}`, 'fail2ban-server', '-f', '-c', config, '-s', socket, '-p', pid, 'start'],
    { stdio: 'ignore' },
  )
  return { log, process: child, messages }
}
