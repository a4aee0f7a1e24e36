/**
 * Environment of containers: plain settings come from one ConfigMap and secrets from one Secret, only those of the groups in
 * the route's row.
 *
 * All references are optional: at start a function names every setting that it lacks, and Knative reports that as the reason
 * why a revision is not ready. Secrets are variables and not files, because volumes would delay the start of a function.
 */

import type { V1 } from '../../shared/platform/objects.ts'
import { allRoutes, type SettingGroup } from '../../shared/routes/index.ts'
import { SETTINGS, type SettingName } from '../../shared/settings/config.ts'

export const SETTINGS_NAME = 'po-settings'
export const SECRETS_NAME = 'po-secrets'

/** Set by Knative, which refuses a manifest that sets it too. */
const GIVEN: readonly SettingName[] = ['PORT']

const names = Object.keys(SETTINGS) as SettingName[]

const GROUPS: readonly string[] = ['process', ...allRoutes.flatMap(({ settings }) => settings)]

export const installed = (secret: boolean): SettingName[] =>
  names.filter(
    (name) => SETTINGS[name].secret === secret && GROUPS.includes(SETTINGS[name].group) && !GIVEN.includes(name),
  )

function reference(name: SettingName): V1<'EnvVar'> {
  const { secret } = SETTINGS[name]
  const key = { name: secret ? SECRETS_NAME : SETTINGS_NAME, key: name, optional: true }
  return { name, valueFrom: secret ? { secretKeyRef: key } : { configMapKeyRef: key } }
}

/** The program of the image, and the settings of these groups and of every process. */
export const environment = (target: string, groups: readonly SettingGroup[]): V1<'EnvVar'>[] => [
  { name: 'FUNCTION_TARGET', value: target },
  ...names
    .filter((name) => [...groups, 'process'].includes(SETTINGS[name].group) && !GIVEN.includes(name))
    .map(reference),
]

interface Mount {
  readonly setting: SettingName
  readonly volume: string
  readonly path: string
  readonly source: Omit<V1<'Volume'>, 'name'>
}

/** Volumes for settings that name a file. */
export const MOUNTS: readonly Mount[] = [
  {
    setting: 'EXTRA_CA_CERTS',
    volume: 'ca-certs',
    path: '/etc/po/ca-certs',
    source: { configMap: { name: 'po-ca-certs', optional: true } },
  },
  {
    setting: 'POSTGRES_CA',
    volume: 'postgres-ca',
    path: '/etc/po/postgres-ca',
    source: { configMap: { name: 'po-postgres-ca', optional: true } },
  },
  {
    setting: 'NODE_KEY',
    volume: 'node-key',
    path: '/etc/po/node-key',
    source: { secret: { secretName: 'po-node-key', optional: true } },
  },
]

/** Volumes and mounts of a pod that reads these groups; empty if it reads no file. */
export function files(groups: readonly SettingGroup[]): {
  volumes: Pick<V1<'PodSpec'>, 'volumes'>
  volumeMounts: Pick<V1<'Container'>, 'volumeMounts'>
} {
  const mounts = MOUNTS.filter(({ setting }) => groups.includes(SETTINGS[setting].group as SettingGroup))
  if (mounts.length === 0) return { volumes: {}, volumeMounts: {} }
  return {
    volumes: { volumes: mounts.map(({ volume, source }) => ({ name: volume, ...source })) },
    volumeMounts: {
      volumeMounts: mounts.map(({ volume, path }) => ({ name: volume, mountPath: path, readOnly: true })),
    },
  }
}
