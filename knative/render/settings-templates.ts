/**
 * Renders the settings of an installation from the table of settings: a ConfigMap, and a template for the Secret.
 */
import { SETTINGS, type SettingName } from '../../shared/settings/config.ts'
import { installed, MOUNTS, SECRETS_NAME, SETTINGS_NAME } from '../manifests/environment.ts'
import { labelsOf } from '../manifests/labels.ts'
import { NOTICE, yamlOf } from '../manifests/yaml.ts'
import { comment, description, GROUP_TITLES } from './env.ts'

/** Notes that apply only to an installation. */
const HINTS: Readonly<Partial<Record<SettingName, string>>> = {
  STATUS_LOOP_INTERVAL: ' Set it in interval.env, of which the schedule is made, too.',
  NAMESPACE: ' The roles of the functions hold in their own namespace only.',
  SIDECAR_REACH: ' No role here grants what `api` needs.',
  K_SINK: ' The component `events` sets it to its broker.',
  FANOUT: ' The component `events` sets it.',
  ...Object.fromEntries(MOUNTS.map(({ setting, path }) => [setting, ` In a pod it lies below ${path}.`])),
}

/** Not commented out: `data` needs an entry to be a map, and `images` of an overlay replaces only an image that is set. */
const UNCOMMENTED: readonly SettingName[] = ['NGINX_IMAGE', 'TZ']

const plainEntry = (name: SettingName): string =>
  `${comment(description(name) + (HINTS[name] ?? ''))}\n${UNCOMMENTED.includes(name) ? '' : '#'}${name}: '${SETTINGS[name].default ?? ''}'\n`

function sections(names: readonly SettingName[], entry: (name: SettingName) => string): string {
  const groups = Object.entries(GROUP_TITLES).map(([group, title]) => ({
    title,
    names: names.filter((name) => SETTINGS[name].group === group),
  }))
  return groups
    .filter(({ names }) => names.length > 0)
    .map(({ title, names }) => `# ---- ${title}\n\n${names.map(entry).join('\n')}`)
    .join('\n')
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')

/** Almost empty: an overlay merges its values into it. */
export const settingsTemplate = (): string => {
  const head = yamlOf({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: SETTINGS_NAME, labels: labelsOf(SETTINGS_NAME, 'settings') },
  })
  return `${head}data:\n${indented(sections(installed(false), plainEntry))}`
}

/** In the table a secret follows the setting that it belongs to. */
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
