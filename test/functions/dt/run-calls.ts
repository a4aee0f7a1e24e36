/** Requests of the programs beside a run, each with the token of the run in its path. */
import { createHash } from 'node:crypto'
import { type FileWorld, tokenOf } from './world.ts'

export const RUN = 'firing=0&index=0&attempt=0'

export interface Brought {
  readonly path: string
  readonly sha256: string
  readonly length: number
}

interface State {
  readonly state: string
  readonly count: number
  readonly bytes: number
  readonly files: readonly Brought[]
}

/** All files in one line, in the format of `upload-outputs`. */
export const complete = (files: readonly Brought[]) => {
  const hash = createHash('sha256')
  const byPath = files.toSorted((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)))
  for (const { path, sha256, length } of byPath) hash.update(`${sha256} ${length} ${path}\0`)
  const bytes = files.reduce((sum, { length }) => sum + length, 0)
  return { complete: { files: files.length, bytes, sha256: hash.digest('hex') } }
}

function runOf(path: string) {
  const query = new URLSearchParams(path.split('?')[1])
  const number = (name: string) => Number(query.get(name) ?? 0)
  const step = query.get('step') === 'fan-in' ? 'fan-in' : 'replication'
  return { firing: number('firing'), step, index: step === 'fan-in' ? 3 : number('index') } as const
}

export interface RunCalls {
  call(method: string, path: string, id: string, body?: string, token?: string): Promise<Response>
  put(id: string, path: string, body: string, run?: string): Promise<Response>
  state(id: string, run?: string): Promise<State>
  end(id: string, value: object, run?: string): Promise<Response>
}

export function runCalls({ url }: Pick<FileWorld, 'url'>): RunCalls {
  const call: RunCalls['call'] = (method, path, id, body, token = tokenOf(id, runOf(path))) =>
    fetch(`${url}/run/${id}/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body }),
    })
  return {
    call,
    put: (id, path, body, run = RUN) => call('PUT', `outputs/${path}?${run}`, id, body),
    state: async (id, run = RUN) => (await call('GET', `outputs?${run}`, id)).json() as Promise<State>,
    end: (id, value, run = RUN) => call('POST', `outputs?${run}`, id, JSON.stringify(value)),
  }
}
