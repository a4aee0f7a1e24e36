/** `DELETE /service/{id}/terminate`. Kubernetes first, then the database. */

import { dtSchemas } from '../../../shared/dt/schema.ts'
import { terminate } from '../../../shared/dt/terminate.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes.ts'
import { twinCluster } from '../../../shared/wire/twin-cluster.ts'
import { twinStore } from '../../../shared/wire/twin-store.ts'
import { wireTwins } from '../../../shared/wire/twins.ts'

const route = routes.dt.serviceTerminate
const ports = wireTwins(route, twinStore, twinCluster)

http(
  route.name,
  endpoint(route, dtSchemas.serviceTerminate, (deps, { params }) => terminate(deps, params.id), ports),
)
