/**
 * What an installation fills in, made from the table of settings: the ConfigMap of the plain ones, and a list of the secret
 * ones from which a Secret is made.
 */
import { SETTINGS, type SettingName } from '../../shared/settings/config.ts'
import { installed, MOUNTS, SECRETS_NAME, SETTINGS_NAME } from '../manifests/environment.ts'
import { labelsOf } from '../manifests/labels.ts'
import { NOTICE, yamlOf } from '../manifests/yaml.ts'
import { comment, description, GROUPS } from './env.ts'

type Group = keyof typeof GROUPS

/** What only holds for an installation. */
const HINTS: Readonly<Partial<Record<SettingName, string>>> = {
  STATUS_LOOP_INTERVAL: ' Set it in interval.env, of which the schedule is made, too.',
  NAMESPACE: ' The roles of the functions hold in their own namespace only.',
  SIDECAR_REACH: ' No role here grants what `api` needs.',
  K_SINK: ' The component `events` sets it to its broker.',
  FANOUT: ' The component `events` sets it.',
  ...Object.fromEntries(MOUNTS.map(({ setting, path }) => [setting, ` In a pod it lies below ${path}.`])),
}

/** Data without an entry is no map; `images` of an overlay change the image only where it is written. */
const SET: readonly SettingName[] = ['NGINX_IMAGE', 'TZ']

/** A setting at its default, or empty, as a comment to be uncommented. */
const plainEntry = (name: SettingName): string =>
  `${comment(description(name) + (HINTS[name] ?? ''))}\n${SET.includes(name) ? '' : '#'}${name}: '${SETTINGS[name].default ?? ''}'\n`

function sections(names: readonly SettingName[], entry: (name: SettingName) => string): string {
  const groups = (Object.keys(GROUPS) as Group[]).map((group) => ({
    title: GROUPS[group],
    names: names.filter((name) => SETTINGS[name].group === group),
  }))
  return groups
    .filter(({ names }) => names.length > 0)
    .map(({ title, names }) => `# ---- ${title}\n\n${names.map(entry).join('\n')}`)
    .join('\n')
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')

/** All but empty: an overlay merges its values in. */
export const settingsTemplate = (): string => {
  const head = yamlOf({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: SETTINGS_NAME, labels: labelsOf(SETTINGS_NAME, 'settings') },
  })
  return `${head}data:\n${indented(sections(installed(false), plainEntry))}`
}

/** A secret stands after what it belongs to in the table, and its effect is said in relation to that. */
const ownerOf = (secret: SettingName): string => Object.keys(SETTINGS)[Object.keys(SETTINGS).indexOf(secret) - 1] ?? ''

const secretEntry = (name: SettingName): string => {
  const { default: fallback } = SETTINGS[name]
  const line = fallback === undefined ? `${name}=` : `#${name}=`
  return `${comment(`${description(name)} Belongs to ${ownerOf(name)}.`)}\n${line}\n`
}

export const secretsTemplate = (): string => `${NOTICE}#
# Copy this file to a place outside of the repository, fill it in, and make the Secret of it:
#   kubectl create secret generic ${SECRETS_NAME} --from-env-file=FILE
# A rotated secret is used by the next revision of a function, or when its pods are started anew.

${sections(installed(true), secretEntry)}`
