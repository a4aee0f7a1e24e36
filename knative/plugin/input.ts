/** Parses and validates the command line. */
import { parseArgs } from 'node:util'
import { isUuid } from '../../shared/po/model.ts'
import { UsageError } from './errors.ts'
import { entryOf, OPTIONS, type OptionEntry, options, type Verb, verbNames } from './verbs.ts'

export type PluginEnvironment = Readonly<Record<string, string | undefined>>

/** Options passed to kubectl. It uses its defaults for those that are undefined. */
export interface KubectlOptions {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly namespace: string | undefined
}

export interface Input {
  readonly verb: Verb
  readonly argument: string | undefined
  readonly json: boolean
  readonly follow: boolean
  readonly history: boolean
  readonly cluster: KubectlOptions
  /** If undefined, kubectl forwards a port. */
  readonly url: string | undefined
  readonly token: string | undefined
  readonly tokenFile: string | undefined
}

type Values = ReturnType<typeof parseOptions>['values']

function parseOptions(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      follow: { ...flag, short: OPTIONS.follow.short },
      history: flag,
      output: { ...text, short: OPTIONS.output.short },
      namespace: { ...text, short: OPTIONS.namespace.short },
      kubeconfig: text,
      context: text,
      url: text,
      token: text,
      'token-file': text,
      help: { ...flag, short: OPTIONS.help.short },
    },
  })
}

const alternatives = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter(Boolean).join(' or ')

function verbOf(word: string | undefined): Verb {
  const verb = verbNames.find((name) => name === word)
  if (verb) return verb
  throw new UsageError(`expected ${alternatives(verbNames)}, not ${word === undefined ? 'nothing' : `'${word}'`}`)
}

const ID = 'the id of an analysis, a UUID'

function argumentFault(verb: Verb, [first, ...more]: readonly string[]): string | undefined {
  const { argument, words } = entryOf(verb)
  const expected = words ? alternatives(words) : ID
  if (first === undefined) return isRequired(argument) ? `expected ${expected}, not nothing` : undefined
  if (!argument) return `it takes no argument, not '${first}'`
  if (more.length > 0) return `it takes one ${argument}, not also '${more.join(' ')}'`
  const isGood = words ? words.includes(first) : isUuid(first)
  return isGood ? undefined : `expected ${expected}, not '${first}'`
}

const isRequired = (argument: string | undefined): boolean => argument !== undefined && !argument.startsWith('[')

type Value = string | boolean | undefined

function optionFault(verb: Verb, name: string, option: OptionEntry, value: Value): string | undefined {
  if (value === undefined) return undefined
  const typed = `--${name}`
  if (option.of && option.of !== verb) return `${typed} is for ${option.of}, not for ${verb}`
  if (value === '') return `${typed}: expected ${option.value}, not nothing`
  const isKnown = !option.words || option.words.includes(String(value))
  return isKnown ? undefined : `${typed}: expected ${alternatives(option.words ?? [])}, not '${value}'`
}

function conflictFault(values: Values): string | undefined {
  if (values.follow && values.history)
    return '--follow is for live analyses, --history for ended ones: expected one of them'
  const { token, 'token-file': file } = values
  return token !== undefined && file !== undefined ? 'expected --token or --token-file, not both' : undefined
}

function assertValid(verb: Verb, given: readonly string[], values: Values): void {
  const wrongArgument = argumentFault(verb, given)
  const faults = [
    wrongArgument && `${verb}: ${wrongArgument}`,
    ...options.map(([name, option]) => optionFault(verb, name, option, values[name])),
    conflictFault(values),
  ]
  const fault = faults.find(Boolean)
  if (fault) throw new UsageError(fault)
}

function parseUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && ['http:', 'https:'].includes(url.protocol) && !url.username && !url.search && !url.hash
  if (isPlain) return url.href.replace(/\/$/, '')
  throw new UsageError(`${name}: expected an http:// or https:// URL without user, query and fragment, not '${text}'`)
}

/** Options win over the environment, even when they name a cluster and the environment a URL. */
function urlOf(verb: Verb, values: Values, env: PluginEnvironment): string | undefined {
  if (values.url !== undefined) return parseUrl('--url', values.url)
  const name = verb === 'tick' ? 'PO_TICK_URL' : 'PO_URL'
  const isClusterNamed = values.namespace ?? values.kubeconfig ?? values.context
  return env[name] && !isClusterNamed ? parseUrl(name, env[name]) : undefined
}

/**
 * @returns undefined if the command line asks for help
 * @throws UsageError with what was given and what was expected
 */
export function readInput(args: readonly string[], env: PluginEnvironment): Input | undefined {
  const { values, positionals } = parseOrThrow(args)
  const [word, ...given] = positionals
  if (values.help || (word === undefined && args.length === 0)) return undefined
  const verb = verbOf(word)
  assertValid(verb, given, values)
  return {
    verb,
    argument: given[0],
    json: values.output === 'json',
    follow: values.follow ?? false,
    history: values.history ?? false,
    cluster: { kubeconfig: values.kubeconfig, context: values.context, namespace: values.namespace },
    url: urlOf(verb, values, env),
    token: values.token,
    tokenFile: values['token-file'],
  }
}

function parseOrThrow(args: readonly string[]) {
  try {
    return parseOptions(args)
  } catch (error) {
    // The first sentence names the option; the others explain how Node parses arguments that begin with a dash.
    throw new UsageError(String((error as Error).message).split(/\. |\n/, 1)[0] ?? '')
  }
}
