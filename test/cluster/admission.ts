/** The policies of `knative/config/admission`. They are cluster-scoped and are not removed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { admission } from '../../knative/manifests/admission.ts'
import { connectApi } from '../../shared/adapters/kubernetes/po/index.ts'

const PLURALS: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
}
/** About the time in which policies come into force; the API server does not report it. */
const TAKEN_UP_MS = 2000

export async function installAdmission(kubeconfig: string): Promise<void> {
  const connection = connectApi({ env: { KUBECONFIG: kubeconfig }, namespace: 'default' })
  try {
    for (const object of admission()) {
      const { status, body } = await connection.send({
        method: 'PATCH',
        path: `/apis/${object.apiVersion}/${PLURALS[object.kind]}/${object.metadata.name}?fieldManager=admin&force=true`,
        headers: { 'content-type': 'application/apply-patch+yaml' },
        body: JSON.stringify(object),
        signal: AbortSignal.timeout(10_000),
      })
      const text = await body.text()
      if (status >= 300) throw new Error(`${object.kind} ${object.metadata.name}: ${status} ${text}`)
    }
    await sleep(TAKEN_UP_MS)
  } finally {
    await connection.close()
  }
}
