/** `GET /service/{id}/logs`. Database, and Kubernetes for pods that run. */
import { logs } from '../../../shared/dt/logs.ts'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireDt } from '../../../shared/wire/dt.ts'
import { dtCluster } from '../../../shared/wire/dt-cluster.ts'
import { dtStore } from '../../../shared/wire/dt-store.ts'

const route = routes.dt.serviceLogs
const ports = wireDt(route, dtStore, dtCluster)

registerEndpoint(route, dtSchemas.serviceLogs, (deps, { params }) => logs(deps, params.id), ports)
