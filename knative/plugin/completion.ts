/** Completion scripts, rendered from the tables of verbs and options. They wrap kn's own completion, which ignores plugins. */
import { entryOf, type OptionEntry, options, spellings, verbNames } from './verbs.ts'

export type Shell = 'bash' | 'zsh'

const CONTEXTS = 'kubectl config get-contexts -o name 2>/dev/null'
const NAMESPACES = 'kubectl get namespaces -o name 2>/dev/null | cut -d/ -f2'

const withValue = options.filter(([, { value }]) => value)
const patternOf = (name: string, option: OptionEntry): string => spellings(name, option).join('|')

const optionsOf = (verb: string): string =>
  options
    .filter(([, { of }]) => of === undefined || of === verb)
    .flatMap(([name, option]) => spellings(name, option))
    .join(' ')

function bashAction({ words, offers }: OptionEntry): string {
  if (words) return `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$cur"))`
  if (offers === 'files') return 'COMPREPLY=($(compgen -f -- "$cur"))'
  if (offers === 'contexts') return `COMPREPLY=($(compgen -W "$(${CONTEXTS})" -- "$cur"))`
  if (offers === 'namespaces') return `COMPREPLY=($(compgen -W "$(${NAMESPACES})" -- "$cur"))`
  return 'COMPREPLY=()'
}

const bashValues = withValue
  .map(([name, option]) => `    ${patternOf(name, option)}) ${bashAction(option)}; return ;;\n`)
  .join('')

const bashVerbs = verbNames
  .map((verb) => {
    const words = [...(entryOf(verb).words ?? []), optionsOf(verb)].join(' ')
    return `    ${verb}) COMPREPLY=($(compgen -W '${words}' -- "$cur")) ;;\n`
  })
  .join('')

const bash = (): string => `# bash completion for kn-po, and for \`kn po\`: source it after kn's own.
_kn_po() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb= at=1
  [[ \${COMP_WORDS[0]} == *kn-po ]] || at=2
  while ((at < COMP_CWORD)); do
    case \${COMP_WORDS[at]} in
      ${withValue.map(([name, option]) => patternOf(name, option)).join('|')}) ((at += 2)) ;;
      -*) ((at += 1)) ;;
      *) verb=\${COMP_WORDS[at]}; break ;;
    esac
  done
  case $prev in
${bashValues}  esac
  case $verb in
${bashVerbs}    '') COMPREPLY=($(compgen -W '${verbNames.join(' ')} ${optionsOf('')}' -- "$cur")) ;;
  esac
}
_kn_with_po() {
  if ((COMP_CWORD > 1)) && [[ \${COMP_WORDS[1]} == po ]]; then
    _kn_po
    return
  fi
  if declare -F __start_kn >/dev/null; then __start_kn "$@"; fi
  if ((COMP_CWORD == 1)); then COMPREPLY+=($(compgen -W po -- "\${COMP_WORDS[1]}")); fi
}
complete -F _kn_po kn-po
complete -o default -F _kn_with_po kn
`

function zshAction({ value, words, offers }: OptionEntry): string {
  if (!value) return ''
  const actions = { files: '_files', contexts: '_kn-po_contexts', namespaces: '_kn-po_namespaces' } as const
  const action = words ? `(${words.join(' ')})` : offers ? actions[offers] : ' '
  return `:${value.toLowerCase()}:${action}`
}

/** `_arguments` interprets brackets and colons even inside single quotes. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''").replace(/[[\]:\\]/g, '\\$&')

const zshOptions = options
  .map(([name, option]) => {
    const typed = spellings(name, option)
    const names = typed.length > 1 ? `'(${typed.join(' ')})'{${typed.join(',')}}` : typed.join('')
    return `    ${names}'[${quoted(option.help)}]${zshAction(option)}' \\\n`
  })
  .join('')

const zshVerbs = verbNames.map((verb) => `    '${verb}:${quoted(entryOf(verb).help)}'\n`).join('')

const zshWords = verbNames
  .flatMap((verb) => (entryOf(verb).words ? [`      ${verb}) compadd ${entryOf(verb).words?.join(' ')} ;;\n`] : []))
  .join('')

const zsh = (): string => `#compdef kn-po
# zsh completion for kn-po, and for \`kn po\`: source it after kn's own.
_kn-po_contexts() { compadd $(${CONTEXTS}) }
_kn-po_namespaces() { compadd $(${NAMESPACES}) }
_kn-po() {
  local context state state_descr line
  local -A opt_args
  local -a verbs=(
${zshVerbs}  )
  _arguments -s \\
${zshOptions}    '1: :->verb' \\
    '*: :->argument'
  case $state in
    verb) _describe 'verb' verbs ;;
    argument) case $line[1] in
${zshWords}    esac ;;
  esac
}
_kn_with_po() {
  if ((CURRENT > 2)) && [[ $words[2] == po ]]; then
    shift words
    ((CURRENT--))
    _kn-po
    return
  fi
  if (($+functions[_kn])); then _kn "$@"; fi
  if ((CURRENT == 2)); then compadd po; fi
}
compdef _kn-po kn-po
compdef _kn_with_po kn
`

const SCRIPTS: Readonly<Record<Shell, () => string>> = { bash, zsh }

export const completionScript = (shell: Shell): string => SCRIPTS[shell]()
