/** `GET /service/{id}/runs`. Database only. */

import { dtSchemas } from '../../../shared/dt/schema.ts'
import { runs } from '../../../shared/dt/status.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireDt } from '../../../shared/wire/dt.ts'
import { dtStore } from '../../../shared/wire/dt-store.ts'

const route = routes.dt.serviceRuns
const ports = wireDt(route, dtStore)

registerEndpoint(route, dtSchemas.serviceRuns, (deps, { params }) => runs(deps, params.id), ports)
