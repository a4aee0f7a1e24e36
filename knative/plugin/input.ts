/** From the words of the command line to what is meant by them. */
import { parseArgs } from 'node:util'
import { isUuid } from '../../shared/po/model.ts'
import { Misused } from './errors.ts'
import { entryOf, OPTIONS, type OptionEntry, options, type Verb, verbNames } from './verbs.ts'

export type PluginEnvironment = Readonly<Record<string, string | undefined>>

/** Where kubectl looks; what is not named is its own choice. */
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
  /** Without it a port is forwarded. */
  readonly url: string | undefined
  readonly token: string | undefined
  readonly tokenFile: string | undefined
}

type Values = ReturnType<typeof parseWords>['values']

function parseWords(args: readonly string[]) {
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

const either = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter(Boolean).join(' or ')

function verbOf(word: string | undefined): Verb {
  const verb = verbNames.find((name) => name === word)
  if (verb) return verb
  throw new Misused(`expected ${either(verbNames)}, not ${word === undefined ? 'nothing' : `'${word}'`}`)
}

const ID = 'the id of an analysis, a UUID'

/** What is wrong with the words behind a verb; the first reason counts. */
function argumentFault(verb: Verb, [first, ...more]: readonly string[]): string | undefined {
  const { argument, words } = entryOf(verb)
  const expected = words ? either(words) : ID
  if (first === undefined) return isNeeded(argument) ? `expected ${expected}, not nothing` : undefined
  if (!argument) return `it takes no argument, not '${first}'`
  if (more.length > 0) return `it takes one ${argument}, not also '${more.join(' ')}'`
  const isGood = words ? words.includes(first) : isUuid(first)
  return isGood ? undefined : `expected ${expected}, not '${first}'`
}

const isNeeded = (argument: string | undefined): boolean => argument !== undefined && !argument.startsWith('[')

type Value = string | boolean | undefined

function optionFault(verb: Verb, name: string, option: OptionEntry, value: Value): string | undefined {
  if (value === undefined) return undefined
  const typed = `--${name}`
  if (option.of && option.of !== verb) return `${typed} is for ${option.of}, not for ${verb}`
  if (value === '') return `${typed}: expected ${option.value}, not nothing`
  const isKnown = !option.words || option.words.includes(String(value))
  return isKnown ? undefined : `${typed}: expected ${either(option.words ?? [])}, not '${value}'`
}

/** Options that say two things at once. */
function contradiction(values: Values): string | undefined {
  if (values.follow && values.history)
    return '--follow is for live analyses, --history for ended ones: expected one of them'
  const { token, 'token-file': file } = values
  return token !== undefined && file !== undefined ? 'expected --token or --token-file, not both' : undefined
}

function assertMeant(verb: Verb, given: readonly string[], values: Values): void {
  const wrongArgument = argumentFault(verb, given)
  const faults = [
    wrongArgument && `${verb}: ${wrongArgument}`,
    ...options.map(([name, option]) => optionFault(verb, name, option, values[name])),
    contradiction(values),
  ]
  const fault = faults.find(Boolean)
  if (fault) throw new Misused(fault)
}

function webAddress(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && ['http:', 'https:'].includes(url.protocol) && !url.username && !url.search && !url.hash
  if (isPlain) return url.href.replace(/\/$/, '')
  throw new Misused(`${name}: expected an http:// or https:// URL without user, query and fragment, not '${text}'`)
}

/** What was typed wins: also a cluster that was named over a URL of the environment. */
function addressOf(verb: Verb, values: Values, env: PluginEnvironment): string | undefined {
  if (values.url !== undefined) return webAddress('--url', values.url)
  const name = verb === 'tick' ? 'PO_TICK_URL' : 'PO_URL'
  const isClusterNamed = values.namespace ?? values.kubeconfig ?? values.context
  return env[name] && !isClusterNamed ? webAddress(name, env[name]) : undefined
}

/**
 * @returns undefined when help was asked for
 * @throws Misused with what was wrong and what was expected
 */
export function readInput(args: readonly string[], env: PluginEnvironment): Input | undefined {
  const { values, positionals } = understood(args)
  const [word, ...given] = positionals
  if (values.help || (word === undefined && args.length === 0)) return undefined
  const verb = verbOf(word)
  assertMeant(verb, given, values)
  return {
    verb,
    argument: given[0],
    json: values.output === 'json',
    follow: values.follow ?? false,
    history: values.history ?? false,
    cluster: { kubeconfig: values.kubeconfig, context: values.context, namespace: values.namespace },
    url: addressOf(verb, values, env),
    token: values.token,
    tokenFile: values['token-file'],
  }
}

function understood(args: readonly string[]) {
  try {
    return parseWords(args)
  } catch (error) {
    // The first sentence names the option; the others explain how Node reads words that begin with a dash.
    throw new Misused(String((error as Error).message).split(/\. |\n/, 1)[0] ?? '')
  }
}
