/** `GET /service/`. Database only. */
import { createList } from '../../../shared/dt/list.ts'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireDt } from '../../../shared/wire/dt.ts'
import { dtStore } from '../../../shared/wire/dt-store.ts'

const route = routes.dt.serviceList
const list = createList()
const ports = wireDt(route, dtStore)

registerEndpoint(route, dtSchemas.serviceList, (deps, { query }) => list(deps, query), ports)
