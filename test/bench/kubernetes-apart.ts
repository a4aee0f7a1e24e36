/** The sandbox's Kubernetes API (over TLS, as a real one) as a process of its own, without pods; it tells its parent the KUBECONFIG and ends with it. */
import { startKubernetes } from '../sandbox/kubernetes/index.ts'
import { serveApart } from './apart.ts'
import { PEER_SERVICES } from './peer-services.ts'

const kubernetes = await startKubernetes({ startPods: false, secure: true })
const hostPort = Number(process.env['BROKER_PORT'])
for (const service of PEER_SERVICES) kubernetes.addService({ ...service, host: '127.0.0.1', hostPort })
serveApart(kubernetes.kubeconfig(), () => undefined)
