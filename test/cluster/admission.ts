/** The policies of `knative/config/admission`, as an administrator applies them. They are of the whole cluster and stay. */
import { setTimeout as sleep } from 'node:timers/promises'
import { admission } from '../../knative/manifests/admission.ts'
import { connectApi } from '../../shared/adapters/kubernetes/po/index.ts'

const PLURALS: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
}
/** The API server compiles and takes up policies within about this time, and says nowhere that it has. */
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
