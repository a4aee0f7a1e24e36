/** `GET /service/`. Database only. */
import { createList } from '../../../shared/dt/list.ts'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes.ts'
import { twinStore } from '../../../shared/wire/twin-store.ts'
import { wireTwins } from '../../../shared/wire/twins.ts'

const route = routes.dt.serviceList
const list = createList()
const ports = wireTwins(route, twinStore)

http(
  route.name,
  endpoint(route, dtSchemas.serviceList, (deps, { query }) => list(deps, query), ports),
)
