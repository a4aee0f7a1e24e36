/** `GET /service/{id}/logs`. Database, and Kubernetes for what runs. */
import { logs } from '../../../shared/dt/logs.ts'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes.ts'
import { twinCluster } from '../../../shared/wire/twin-cluster.ts'
import { twinStore } from '../../../shared/wire/twin-store.ts'
import { wireTwins } from '../../../shared/wire/twins.ts'

const route = routes.dt.serviceLogs
const ports = wireTwins(route, twinStore, twinCluster)

http(
  route.name,
  endpoint(route, dtSchemas.serviceLogs, (deps, { params }) => logs(deps, params.id), ports),
)
