/** Changes and restores a cluster-wide setting of Knative Serving: functions scale to zero sooner. */
import type { Api } from '../api.ts'

const PATH = '/api/v1/namespaces/knative-serving/configmaps/config-autoscaler'
const KEY = 'scale-to-zero-grace-period'
const SHORT = '6s'

/** @returns a function that restores the previous value */
export async function shortenGrace(api: Api): Promise<() => Promise<unknown>> {
  const found = await api.json<{ data?: Readonly<Record<string, string>> }>('GET', PATH)
  const former = found?.data?.[KEY] ?? null
  const set = (value: string | null) => api.json('PATCH', PATH, { data: { [KEY]: value } })
  await set(SHORT)
  return () => set(former)
}
