/** The text of `kn po --help`. */
import { entryOf, options, spellings, verbNames } from './verbs.ts'

const WIDTH = 26

const row = (left: string, right: string): string => `  ${left.padEnd(WIDTH)}${right}\n`

const verbRows = verbNames.map((verb) => {
  const { argument = '', words, help } = entryOf(verb)
  return row(`${verb} ${words ? words.join('|') : argument}`.trimEnd(), help)
})

const optionRows = options.map(([name, option]) =>
  row(`${spellings(name, option).join(', ')}${option.value ? ` ${option.value}` : ''}`, option.help),
)

export const HELP = `Analyses of this node and the loop that watches them.

Usage: kn po VERB [options]

${verbRows.join('')}
${optionRows.join('')}
Environment:
${row('PO_URL, PO_TICK_URL', '--url, for all verbs and for `tick`; options that name a cluster win')}\
${row('PO_TOKEN', 'access token, or PO_TOKEN_FILE')}\
${row('PO_CLIENT_ID', 'client that a token is asked for at KEYCLOAK_URL (realm KEYCLOAK_REALM, or flame)')}\
${row('PO_CLIENT_SECRET', 'its secret, or PO_CLIENT_SECRET_FILE')}
Exit code: 0 done, 1 refused or failed, 2 called wrongly.
`
