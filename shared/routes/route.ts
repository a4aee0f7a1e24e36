/** A row of the table of functions, and values derived from it. */

/**
 * Who may call. `user`: any token of the realm but an analysis's. `analysis`: also an analysis's, for itself. `dt`: as `user`
 * where `DT_AUTH` is `keycloak`, else everyone. `service`: the token of a run of a digital-twin service, whatever `DT_AUTH`
 * says; the use case decides what the run may still do.
 */
export type Auth = 'none' | 'user' | 'analysis' | 'dt' | 'service'

/** Groups of settings that a function reads (see `config.ts`); a secret is mounted only where its group is named. */
export type SettingGroup =
  | 'auth'
  | 'database'
  | 'identity'
  | 'hub'
  | 'registry'
  | 'runs'
  | 'isolation'
  | 'loop'
  | 'logs'
  | 'signing'
  | 'dt'
  | 'files'
  | 'tokens'
  | 'services'
  | 'outputs'
  | 'import'

export interface KubernetesGrant {
  readonly apiGroup: '' | 'apps' | 'batch' | 'networking.k8s.io' | 'serving.knative.dev' | 'eng.cam.ac.uk'
  readonly resources: readonly string[]
  readonly verbs: readonly ('get' | 'list' | 'create' | 'patch' | 'update' | 'delete')[]
}

export interface Endpoint {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** `{name}` is one segment, `{name+}` the rest of the path. */
  readonly path: string
  readonly summary: string
  /** Its id in the description, `tag-function`; default: the function's name. */
  readonly operationId?: string
}

export interface Route {
  /** Registration name, name of the Knative Service, and folder: `po-status` is in `functions/po/status`. */
  readonly name: string
  readonly auth: Auth
  /** `http` answers callers; `event` receives CloudEvents. */
  readonly trigger: 'http' | 'event'
  /** Its paths answer with this prefix and without it; `{VERSION}` is the setting of that name. */
  readonly prefix?: string
  /** Setting that lists the origins whose pages may call. Left out: none may. */
  readonly cors?: 'CORS_ORIGIN' | 'DT_CORS_ORIGINS'
  /**
   * Setting that decides whether callers need a token: with the value `none` they do not. A route of documentation has it
   * for the description of its API.
   */
  readonly openBy?: 'DT_AUTH'
  /**
   * Answer to a path with a trailing slash too many or too few. `both`: the same. `redirect`: a 307 to the path as it is written
   * here.
   */
  readonly slashes: 'both' | 'redirect'
  /**
   * `stream`: bodies are files, limited by `FILE_MAX_MIB` and not by the size of a JSON document. `long-texts`: texts that are
   * too long are cut at their end; other functions refuse the document.
   */
  readonly body?: 'stream' | 'long-texts'
  readonly endpoints: readonly Endpoint[]
  readonly settings: readonly SettingGroup[]
  readonly kubernetes: readonly KubernetesGrant[]
  readonly scale: {
    readonly min: number
    readonly max: number
    readonly timeoutSeconds: number
    /**
     * Requests that a pod handles at the same time; Knative queues the others. The memory of the pod is enough for so many,
     * with bodies of the largest size.
     */
    readonly concurrency: number
  }
}

/** Prefix of the paths of a route at this version of its API; empty where it has none. */
export const prefixOf = ({ prefix = '' }: Pick<Route, 'prefix'>, version: string): string =>
  prefix.replace('{VERSION}', version)

/** Folder of a function below `functions/`: `po/stream-logs` for `po-stream-logs`. */
export const functionFolder = (route: Route): string => route.name.replace('-', '/')
