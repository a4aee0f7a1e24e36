/** `DELETE /service/{id}/terminate`. Kubernetes first, then the database. */

import { dtSchemas } from '../../../shared/dt/schema.ts'
import { terminate } from '../../../shared/dt/terminate.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireDt } from '../../../shared/wire/dt.ts'
import { dtCluster } from '../../../shared/wire/dt-cluster.ts'
import { dtStore } from '../../../shared/wire/dt-store.ts'

const route = routes.dt.serviceTerminate
const ports = wireDt(route, dtStore, dtCluster)

registerEndpoint(route, dtSchemas.serviceTerminate, (deps, { params }) => terminate(deps, params.id), ports)
