/** The tables of verbs and options. Parsing, help and completion derive from them. */

interface VerbEntry {
  /** The argument as help shows it; brackets mark it as optional. */
  readonly argument?: string
  readonly words?: readonly string[]
  readonly help: string
}

export const VERBS = {
  status: { argument: '[ID]', help: 'status and progress of all analyses, or of one' },
  logs: { argument: 'ID', help: 'what a live analysis and its proxy have written' },
  record: { argument: 'ID', help: 'the signed record of an ended analysis, to be verified with `make verify-record`' },
  stop: { argument: 'ID', help: 'end a live analysis' },
  tick: { help: 'send the status loop what its PingSource sends' },
  routes: { help: 'all functions: methods, paths, callers, what each may do in Kubernetes' },
  healthz: { help: 'whether the database answers and the status loop moves' },
  completion: { argument: 'SHELL', words: ['bash', 'zsh'], help: 'print a script that completes `kn po` and `kn-po`' },
} as const satisfies Record<string, VerbEntry>

export type Verb = keyof typeof VERBS
export const verbNames = Object.keys(VERBS) as readonly Verb[]
export const entryOf = (verb: Verb): VerbEntry => VERBS[verb]

export interface OptionEntry {
  readonly short?: string
  /** Name of the value in help; a flag has none. */
  readonly value?: string
  readonly words?: readonly string[]
  /** What a shell completes the value with. */
  readonly offers?: 'files' | 'contexts' | 'namespaces'
  readonly of?: Verb
  readonly help: string
}

export const OPTIONS = {
  follow: { short: 'f', of: 'logs', help: 'go on until the analysis has ended' },
  history: { of: 'logs', help: 'the logs of ended analyses: one text per run' },
  output: { short: 'o', value: 'FORMAT', words: ['text', 'json'], help: '`text` (default) or `json`' },
  namespace: { short: 'n', value: 'NAME', offers: 'namespaces', help: 'namespace of the functions' },
  kubeconfig: { value: 'FILE', offers: 'files', help: 'as for kubectl' },
  context: { value: 'NAME', offers: 'contexts', help: 'as for kubectl' },
  url: { value: 'URL', help: 'where the API answers, or for `tick` the function; instead of a port-forward' },
  token: { value: 'TOKEN', help: 'access token; others on the machine may see it: rather PO_TOKEN or a file' },
  'token-file': { value: 'FILE', offers: 'files', help: 'file that holds the access token' },
  help: { short: 'h', help: 'this text' },
} as const satisfies Record<string, OptionEntry>

type OptionName = keyof typeof OPTIONS
export const options = Object.entries(OPTIONS) as readonly (readonly [OptionName, OptionEntry])[]

/** For example `-o`, `--output`. */
export const spellings = (name: string, { short }: OptionEntry): readonly string[] => [
  ...(short ? [`-${short}`] : []),
  `--${name}`,
]
