/**
 * The fixed list: every program an agent may run, each with its arguments as a pattern. What a server says reaches a program
 * on stdin or as one checked word, never as a program or an option.
 */
const NODE = String.raw`\S*/node (?:--disable-warning=ExperimentalWarning )?(?:--optimize-for-size --max-semi-space-size=\d )?\S*/src/(?:enforce/supervisor|agent)\.ts\b.*`
const WORD = `[A-Za-z0-9_.:/@-]+`
const IP = `(?:-[46dj] |-force )*(?:(?:addr|route|rule|link)(?: ${WORD})*|-batch -)`
const SYSCTL = String.raw`-q?w net\.ipv[46]\.conf\.[a-z0-9]+\.[a-z_]+=[01]`
const ADDRESS = String.raw`src (?:[0-9.]+|\[[0-9a-f:.]+\])`
/** Who is connected: at first enforcement, and to an address that is to go. */
const SS = String.raw`ss -Htun state connected exclude time-wait exclude syn-sent(?: \( ${ADDRESS}(?: or ${ADDRESS})* \))?`
const INSIDE = [NODE, SS, `ip ${IP}`, `sysctl ${SYSCTL}`, 'nft -f -'].join('|')

/** The half that talks to the server: a user and a group, and nothing that a server says. */
const LINK = String.raw`\S*/node --permission --allow-fs-read=\* --disable-warning=ExperimentalWarning \S*/src/agent/link-process\.ts \d+ \d+`

const FIXED: readonly RegExp[] = [
  NODE,
  LINK,
  String.raw`\S*/setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,\+setuid,\+setgid ${LINK}`,
  String.raw`\S*/nft (?:-f -|-c -f -|-j list (?:table|tables|chain|chains|map|set)(?: ${WORD})*)`,
  String.raw`\S*/ip ${IP}`,
  // Where containers run: whose namespace has which name.
  String.raw`\S*/ip -j netns list`,
  String.raw`\S*/${SS}`,
  String.raw`\S*/sysctl ${SYSCTL}`,
  String.raw`\S*/ping -n -q -c 3 -i 0\.2 -W 1 -I ${WORD} [0-9a-f.:]+`,
  String.raw`\S*/nsenter --net=/(?:var/)?run/netns/[A-Za-z0-9_.-]+ (?:-- )?(?:${INSIDE}|${NODE})`,
].map((pattern) => new RegExp(`^${pattern}$`, 's'))

/** Those that are on no line of the list. */
export function foreignPrograms(executed: readonly (readonly string[])[]): string[] {
  const lines = new Set(executed.map((argv) => argv.join(' ')))
  return [...lines].filter((line) => !FIXED.some((pattern) => pattern.test(line)))
}

export function programNames(executed: readonly (readonly string[])[]): string[] {
  return [...new Set(executed.map(([program]) => program!.split('/').at(-1)!))].sort()
}
