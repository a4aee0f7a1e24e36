/** The sandbox's Kubernetes API without pods, over TLS, as a separate process. It sends its parent the path of its kubeconfig. */
import { startKubernetes } from '../sandbox/kubernetes/index.ts'
import { serveApart } from './apart.ts'
import { PEER_SERVICES } from './peer-services.ts'

const kubernetes = await startKubernetes({ startPods: false, secure: true })
const hostPort = Number(process.env['BROKER_PORT'])
for (const service of PEER_SERVICES) kubernetes.addService({ ...service, host: '127.0.0.1', hostPort })
serveApart(kubernetes.kubeconfig(), () => undefined)
