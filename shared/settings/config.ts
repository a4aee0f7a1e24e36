/**
 * Every setting, once: name, group, default, unit, effect. `.env.template` is rendered from this table, and each function
 * checks at start the groups that its row in `routes.ts` names: all faults at once, by name, never by value.
 *
 * A secret may also be given as `NAME_FILE`, a path whose content (without the last newline) is the value.
 */
import { readFileSync } from 'node:fs'
import type { Route, SettingGroup } from '../routes/index.ts'
import { DT_SETTINGS } from './dt.ts'
import { EDGE_SETTINGS } from './http.ts'
import { LOG_SETTINGS } from './logs.ts'
import { ISOLATION_SETTINGS, RUN_SETTINGS } from './runs.ts'
import {
  boolean,
  Expected,
  inGroup,
  keys,
  list,
  oneOf,
  overrides,
  registry,
  required,
  type Setting,
  text,
  url,
  whole,
  word,
} from './setting.ts'

export const SETTINGS = {
  ...inGroup('database', {
    POSTGRES_HOST: text({ effect: 'Host name of the PostgreSQL server.' }),
    POSTGRES_PORT: whole({ default: '5432', range: [1, 65_535], effect: 'Its TCP port.' }),
    POSTGRES_USER: text({ effect: 'Role to log in with; owns the schema `po`.' }),
    POSTGRES_PASSWORD: text({ secret: true, effect: 'Password of that role.' }),
    POSTGRES_DB: text({ effect: 'Database; may be shared, all our tables lie in the schema `po`.' }),
    POSTGRES_MAX: whole({ default: '2', range: [1, 100], effect: 'Connections per pod.' }),
    POSTGRES_PREPARE: boolean({
      default: 'true',
      effect: 'Prepared statements. Set to false behind a pooler in transaction mode that cannot keep them.',
    }),
    POSTGRES_SSLMODE: oneOf({
      default: 'prefer',
      words: ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'],
      effect:
        'TLS to the database, as libpq has it: `prefer` uses it where the server does and checks nothing, `verify-full` demands it with a certificate for POSTGRES_HOST.',
    }),
    POSTGRES_CA: text({
      default: '',
      effect: 'PEM file of certificate authorities of the database; empty: those that Node trusts.',
    }),
  }),
  ...inGroup('auth', {
    KEYCLOAK_URL: url({ effect: 'Base URL of Keycloak with its relative path, if it has one.' }),
    KEYCLOAK_REALM: text({ default: 'flame', effect: 'Realm of users, services and analyses.' }),
    AUTH_ISSUER: text({ default: '', effect: 'If set, tokens must name exactly this issuer.' }),
    AUTH_AUDIENCE: text({ default: '', effect: 'If set, tokens must be meant for this audience.' }),
    AUTH_REQUIRED_ROLE: text({ default: '', effect: 'If set, callers need this realm role.' }),
    CORS_ORIGIN: text({ default: 'http://localhost:8080', effect: 'Origin that browsers may call from.' }),
  }),
  ...inGroup('identity', {
    RESULT_CLIENT_ID: text({ effect: 'Keycloak client that may manage clients.' }),
    RESULT_CLIENT_SECRET: text({ secret: true, effect: 'Its secret.' }),
  }),
  ...inGroup('hub', {
    HUB_URL_CORE: url({ effect: 'Base URL of the FLAME Hub core API.' }),
    HUB_URL_AUTH: url({ effect: "Base URL of the Hub's authentication API." }),
    HUB_CLIENT_ID: text({ effect: 'Client of this node at the Hub.' }),
    HUB_CLIENT_SECRET: text({ secret: true, effect: 'Its secret.' }),
    HUB_LOGGING: boolean({ default: 'true', effect: 'Send log lines to the Hub; statuses are always sent.' }),
    PO_HTTP_PROXY: text({ default: '', effect: 'Proxy for http:// URLs of the Hub; used if both are set.' }),
    PO_HTTPS_PROXY: text({ default: '', effect: 'Proxy for https:// URLs of the Hub; used if both are set.' }),
    EXTRA_CA_CERTS: text({ default: '', effect: 'PEM file of certificate authorities to trust, too.' }),
  }),
  ...inGroup('registry', {
    HARBOR_URL: registry({ default: '', effect: 'Registry used where a create request names none.' }),
    HARBOR_USER: text({ default: '', effect: 'Its user; used at that registry alone.' }),
    HARBOR_PW: text({ default: '', secret: true, effect: 'Its password.' }),
  }),
  ...inGroup('process', {
    NODE_NAME: text({ default: '', effect: 'Name of this node in labels, logs, events and archive entries.' }),
  }),
  ...RUN_SETTINGS,
  ...ISOLATION_SETTINGS,
  ...inGroup('loop', {
    STATUS_LOOP_INTERVAL: whole({ default: '10', range: [1, 86_400], effect: 'Seconds between two sweeps.' }),
    RESTART_MAX: whole({ default: '10', range: [0, 1000], effect: 'Restarts of an analysis before it is failed.' }),
    STARTUP_BUDGET: whole({ default: '60', range: [1, 86_400], effect: 'Seconds a started run may stay silent.' }),
    SILENCE_BUDGET: whole({ default: '60', range: [1, 86_400], effect: 'Seconds an executing run may stay silent.' }),
    PULL_BUDGET: whole({
      default: '300',
      range: [1, 86_400],
      effect: 'Seconds for which an image that cannot be pulled is retried.',
    }),
    PARTNER_BUDGET: whole({
      default: '86400',
      range: [1, 2_592_000],
      effect: 'Seconds for which a run that is stuck waits for a partner that has not started.',
    }),
    CANARY_INTERVAL: whole({
      default: '3600',
      range: [60, 604_800],
      effect: 'Seconds between two proofs of isolation by a pod of the loop while analyses run.',
    }),
    ZOMBIE_GRACE: whole({
      default: '300',
      range: [60, 86_400],
      effect: 'Seconds after which a Kubernetes object of no known analysis is removed.',
    }),
    HUB_BACKLOG_LINES: whole({
      default: '500',
      range: [1, 100_000],
      effect: 'Log lines kept per analysis for a Hub that is away; then the oldest go.',
    }),
    K_SINK: url({ default: '', effect: 'Where CloudEvents about state changes go; empty: nowhere.' }),
    K_CE_OVERRIDES: overrides({
      default: '',
      effect: 'JSON with `extensions` that every such event gets, as a SinkBinding sets it.',
    }),
    FANOUT: oneOf({
      default: 'none',
      words: ['none', 'events'],
      effect: '`events`: a sweep sends one event per analysis to K_SINK and leaves the work to those who get them.',
    }),
    ARCHIVE_MAX_AGE_DAYS: whole({
      default: '0',
      range: [0, 36_500],
      effect: 'Days an archive entry is kept; 0: for ever.',
    }),
    ARCHIVE_MAX_MIB: whole({
      default: '0',
      range: [0, 10_000_000],
      effect: 'Size of the archive in MiB before the oldest go; 0: no limit.',
    }),
  }),
  ...inGroup('signing', {
    NODE_KEY: text({ default: '', effect: 'PEM file of the private key that signs archive entries and records.' }),
    NODE_KEY_PW: text({ default: '', secret: true, effect: 'Its passphrase.' }),
  }),
  ...inGroup('dt', {
    DT_AUTH: oneOf({
      default: 'keycloak',
      words: ['none', 'keycloak'],
      effect:
        '`keycloak` asks callers of the digital-twin API for a token of the realm; `none` lets everybody in who reaches it.',
    }),
    DT_CORS_ORIGINS: list({
      default: 'http://localhost,http://localhost:3000',
      effect: 'Origins of pages that may call the digital-twin API from a browser.',
    }),
    VERSION: word({
      default: 'v1alpha1',
      effect: 'Version of the digital-twin API: the last segment of `/api/orchestrator/{VERSION}`.',
    }),
  }),
  ...inGroup('files', {
    FILE_MAX_MIB: whole({
      default: '16384',
      range: [1, 16_777_216],
      effect: 'Size in MiB of the largest file that is taken.',
    }),
  }),
  ...inGroup('tokens', {
    DT_TOKEN_KEY: keys({
      secret: true,
      effect: 'Key of the tokens by which runs fetch inputs and send outputs; a new one goes before the old.',
    }),
  }),
  ...LOG_SETTINGS,
  ...DT_SETTINGS,
  ...EDGE_SETTINGS,
  ...inGroup('process', {
    LOG_LEVEL: oneOf({
      default: 'info',
      words: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
      effect: 'Lowest level that is logged.',
    }),
    PORT: whole({ default: '8080', range: [0, 65_535], effect: 'TCP port a function listens on.' }),
    TZ: text({ default: 'UTC', effect: 'Time zone of the process; timestamps are always UTC.' }),
  }),
} as const

export type SettingName = keyof typeof SETTINGS
export type Config = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Thrown once with every fault. */
export class ConfigFault extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`configuration: ${faults.join('; ')}`)
    this.name = 'ConfigFault'
    this.faults = faults
  }
}

const readSecretFile = (path: string): string => readFileSync(path, 'utf8').replace(/\r?\n$/, '')

function rawValue(name: SettingName, env: Environment, read: (path: string) => string): string | undefined | Expected {
  const file = env[`${name}_FILE`]
  if (!SETTINGS[name].secret || !file) return env[name]
  if (env[name] !== undefined) return new Expected(`either ${name} or ${name}_FILE, not both`)
  try {
    return read(file)
  } catch {
    return new Expected(`${name}_FILE to name a readable file`)
  }
}

/** Groups that a function reads: those of its row, without the realm where no token of it is required. */
export const groupsOf = ({ auth, settings }: Pick<Route, 'auth' | 'settings'>, env: Environment): SettingGroup[] => {
  const isOpen = auth === 'service' || (auth === 'dt' && (env['DT_AUTH'] ?? SETTINGS.DT_AUTH.default) !== 'keycloak')
  return settings.filter((group) => group !== 'auth' || !isOpen)
}

function readValue(name: SettingName, env: Environment, read: (path: string) => string): unknown {
  const raw = rawValue(name, env, read) ?? SETTINGS[name].default
  if (raw instanceof Expected) return raw
  return raw === undefined ? required : SETTINGS[name].parse(raw)
}

/**
 * Reads and checks the settings of these groups (and `process`). Settings of other groups are not read and must not be
 * used: they have their default, or are undefined where they have none.
 * @throws ConfigFault naming every setting that is missing or malformed
 */
export function loadConfig(
  groups: readonly SettingGroup[],
  env: Environment = process.env,
  read: (path: string) => string = readSecretFile,
): Config {
  const faults: string[] = []
  const config: Record<string, unknown> = {}
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const { group, default: fallback, parse } = SETTINGS[name]
    const isWanted = group === 'process' || groups.includes(group)
    const value = isWanted ? readValue(name, env, read) : fallback === undefined ? undefined : parse(fallback)
    if (value instanceof Expected) faults.push(`${name}: expected ${value.what}`)
    else config[name] = value
  }
  if (faults.length > 0) throw new ConfigFault(faults)
  return config as Config
}
