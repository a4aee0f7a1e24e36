/** `GET /service/`. Database only. */
import { createList } from '../../../shared/dt/list.ts'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireDt } from '../../../shared/wire/dt.ts'
import { dtStore } from '../../../shared/wire/dt-store.ts'

const route = routes.dt.serviceList
const list = createList()
const ports = wireDt(route, dtStore)

http(
  route.name,
  endpoint(route, dtSchemas.serviceList, (deps, { query }) => list(deps, query), ports),
)
