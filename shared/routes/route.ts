/** The type of a row of the table of functions, and what is computed from one. */

/**
 * `user`: any token of the realm but an analysis's. `analysis`: also an analysis's, for itself. `dt`: `user` where
 * `DT_AUTH` is `keycloak`, else anybody. `service`: the token that a digital-twin service was started with, whatever
 * `DT_AUTH` says; its use case checks it.
 */
export type Auth = 'none' | 'user' | 'analysis' | 'dt' | 'service'

/** Groups of settings a function reads (see `config.ts`); a secret is mounted only where its group is named. */
export type SettingGroup =
  | 'auth'
  | 'database'
  | 'identity'
  | 'hub'
  | 'registry'
  | 'runs'
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
  /** `{name}` is one segment, `{name+}` the rest of the path. Each also answers with, or without, its trailing slash. */
  readonly path: string
  readonly summary: string
  /** Its id in the description, `tag-function`; left out, the function's name. */
  readonly operationId?: string
}

export interface Route {
  /** Registration name, ksvc name and folder: `po-status` lies in `functions/po/status`. */
  readonly name: string
  readonly auth: Auth
  /** `http` answers callers; `event` is sent CloudEvents. */
  readonly trigger: 'http' | 'event'
  /** Before which its paths answer, too; `{VERSION}` is the setting of that name. */
  readonly prefix?: string
  /**
   * `stream`: bodies are files, limited by `FILE_MAX_MIB` and not by the size of a JSON document. `long-texts`: of texts that
   * are too long the start is kept, where other functions refuse the document.
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
     * Requests that a pod works on at the same time; Knative queues the others. What so many hold, bodies of the largest size
     * included, fits into the memory of the pod.
     */
    readonly concurrency: number
  }
}

/** What stands before the paths of a route at this version of its API. */
export const prefixOf = ({ prefix = '' }: Pick<Route, 'prefix'>, version: string): string =>
  prefix.replace('{VERSION}', version)

/** Folder of a function below `functions/`: `po-stream-logs` → `po/stream-logs`. */
export const functionFolder = (route: Route): string => route.name.replace('-', '/')
