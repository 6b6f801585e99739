/** `guise completion bash|zsh|fish`: a script to source; commands and options come from the program itself. */
import { Argument, type Command } from 'commander'
import { TOPOLOGY_LEVELS } from '../model/topology.ts'
import { action, CliError, isJson } from './client.ts'
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
    .addArgument(new Argument('<shell>', 'yours').choices(SHELLS))
    .action(action(script))
}

async function script(shell: string, command: Command): Promise<void> {
  if (isJson(command)) throw new CliError('A completion script is for a shell, and has no JSON. Leave out --json.', 2)
  if (shell === 'bash') return void process.stdout.write(BASH)
  const { default: tab } = await import('@bomb.sh/tab')
  tab.setup('guise', 'guise', shell)
}

/** Arguments that are one of few words beside those that commander knows the words of, by command and place. */
const words = (): Readonly<Record<string, readonly (readonly string[])[]>> => ({
  get: [[...getKinds(), 'topology'], TOPOLOGY_LEVELS],
  describe: [getKinds()],
  'lab attack': [ATTACK_KINDS],
})

const offering = (choices: readonly string[]) => (offer: (word: string, about: string) => void) => {
  for (const choice of choices) offer(choice, '')
}

/** What the scripts call on every key: `guise complete -- WORDS`. */
export async function complete(program: Command, typed: readonly string[]): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab')
  const add = (parent: Command, prefix: string): void => {
    for (const command of parent.commands) {
      const name = `${prefix}${command.name()}`
      const entry = tab.command(name, command.description())
      for (const option of command.options)
        if (option.long != null)
          if (option.argChoices === undefined) entry.option(option.long.slice(2), option.description)
          else entry.option(option.long.slice(2), option.description, offering(option.argChoices))
      for (const [place, argument] of command.registeredArguments.entries()) {
        const choices = argument.argChoices ?? words()[name]?.[place]
        if (choices !== undefined) entry.argument(argument.name(), offering(choices))
      }
      add(command, `${name} `)
    }
  }
  add(program, '')
  tab.parse([...typed])
}
