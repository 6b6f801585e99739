/** `guise completion bash|zsh|fish`: a script to source; commands and options come from the program itself. */
import type { Command } from 'commander'
import { TOPOLOGY_LEVELS } from '../model/topology.ts'
import { getKinds } from './get.ts'
import { ATTACK_KINDS } from './lab.ts'

const SHELLS = ['bash', 'zsh', 'fish']

/** Ours, because the usual one needs the bash-completion package and runs what is typed through `eval`. */
const BASH = `# completion of guise for bash: source <(guise completion bash)
_guise() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) ;;
      "\${COMP_WORDS[COMP_CWORD]}"*) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(guise complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _guise guise
`

export function register(program: Command): void {
  program
    .command('completion')
    .description('print the completion script of a shell: source <(guise completion bash)')
    .argument('<shell>', SHELLS.join(', '))
    .action(async (shell: string) => {
      if (!SHELLS.includes(shell)) {
        process.stderr.write(
          `guise: no completion for ${JSON.stringify(shell.slice(0, 40))}. Use one of ${SHELLS.join(', ')}.\n`,
        )
        process.exitCode = 2
        return
      }
      if (shell === 'bash') {
        process.stdout.write(BASH)
        return
      }
      const { default: tab } = await import('@bomb.sh/tab')
      tab.setup('guise', 'guise', shell)
    })
}

/** Arguments that are one of few words, by command and place. */
const words = (): Readonly<Record<string, readonly (readonly string[])[]>> => ({
  get: [[...getKinds(), 'topology'], TOPOLOGY_LEVELS],
  describe: [getKinds()],
  completion: [SHELLS],
  'lab attack': [ATTACK_KINDS],
})

/** What the scripts call on every key: `guise complete -- WORDS`. */
export async function complete(program: Command, typed: readonly string[]): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab')
  const add = (parent: Command, prefix: string): void => {
    for (const command of parent.commands) {
      const name = `${prefix}${command.name()}`
      const entry = tab.command(name, command.description())
      for (const option of command.options)
        if (option.long !== null && option.long !== undefined) entry.option(option.long.slice(2), option.description)
      for (const [place, choices] of (words()[name] ?? []).entries())
        entry.argument(command.registeredArguments[place]?.name() ?? String(place), (offer) => {
          for (const choice of choices) offer(choice, '')
        })
      add(command, `${name} `)
    }
  }
  add(program, '')
  tab.parse([...typed])
}
