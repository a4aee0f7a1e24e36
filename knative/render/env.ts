/**
 * Renders `.env.template` from the table of settings: the effect, accepted values and default of each. A required setting has
 * an empty value; the others are commented out at their defaults.
 */
import { SETTINGS, type SettingName } from '../../shared/settings/config.ts'

export const GROUP_TITLES = {
  database: 'PostgreSQL',
  auth: 'Callers: the realm that issues their tokens',
  identity: 'Keycloak clients of analyses',
  hub: 'FLAME Hub',
  registry: 'Container registry, where a create request names none',
  runs: 'Pods of analyses',
  isolation: 'Proof of isolation of analyses',
  loop: 'Status loop and archive',
  logs: 'What is kept of log lines and container logs',
  signing: 'Signatures of archive entries',
  dt: 'Digital twins: callers and address',
  files: 'Digital twins: files',
  tokens: 'Digital twins: tokens of runs',
  services: 'Digital-twin services: what their runs get',
  outputs: 'Digital-twin services: what their runs may leave',
  import: 'Digital twins: the Mongo database that `make import` reads; functions never do',
  process: 'Every process',
} as const satisfies Record<(typeof SETTINGS)[SettingName]['group'], string>

/** Variables that are no settings: the platform, or the user who starts a process, sets them. */
export const AMBIENT = {
  FUNCTION_TARGET: 'The function that a container runs, such as `po-status`; set by its manifest.',
  KUBECONFIG: 'Cluster to use from outside of it. In a pod it stays unset, and the service account is used.',
} as const

const HEAD = `# Every environment variable, its effect, what it takes, and its default.
# This file is made from shared/settings/config.ts by \`make render\`; do not edit it.
#
# Copy it to .env and fill in what has no default. A function checks at start the groups it uses and names every fault.
# A secret may instead lie in a file: NAME_FILE is its path, and then NAME must be unset. One newline at its end is cut.
`

const WIDTH = 100

/** A setting's parser names what it accepts when it gets a text that only free-form settings accept. */
function accepted(name: SettingName): string {
  const answer: unknown = SETTINGS[name].parse('\0')
  return answer && typeof answer === 'object' && 'what' in answer ? ` Takes ${answer.what}.` : ''
}

/** The text as comment lines of at most `WIDTH` characters. */
export function comment(text: string): string {
  const lines = ['#']
  for (const word of text.split(' ')) {
    const last = lines.length - 1
    const line = `${lines[last]} ${word}`
    if (line.length <= WIDTH) lines[last] = line
    else lines.push(`# ${word}`)
  }
  return lines.join('\n')
}

export function description(name: SettingName): string {
  const { default: fallback, effect } = SETTINGS[name]
  return effect + accepted(name) + (fallback === undefined ? ' Required.' : '')
}

function entry(name: SettingName): string {
  const { default: fallback, secret } = SETTINGS[name]
  const file = secret ? ` Secret; or ${name}_FILE.` : ''
  const line = fallback === undefined ? `${name}=` : `#${name}=${fallback}`
  return `${comment(description(name) + file)}\n${line}\n`
}

const isRequired = (name: SettingName): boolean => SETTINGS[name].default === undefined

function section([group, title]: [string, string]): string {
  const names = (Object.keys(SETTINGS) as SettingName[]).filter((name) => SETTINGS[name].group === group)
  const ordered = [...names.filter(isRequired), ...names.filter((name) => !isRequired(name))]
  return `\n# ---- ${title}\n\n${ordered.map(entry).join('\n')}`
}

/** Groups with required settings come first. */
function orderedGroups(): [string, string][] {
  const required = new Set<string>(
    (Object.keys(SETTINGS) as SettingName[]).filter(isRequired).map((name) => SETTINGS[name].group),
  )
  return Object.entries(GROUP_TITLES).toSorted(([a], [b]) => Number(required.has(b)) - Number(required.has(a)))
}

export function renderEnv(): string {
  const ambient = Object.entries(AMBIENT).map(([name, effect]) => `${comment(effect)}\n#${name}=\n`)
  return `${HEAD}${orderedGroups().map(section).join('')}\n# ---- Not settings: given by the platform\n\n${ambient.join('\n')}`
}
