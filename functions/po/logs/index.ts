/** `GET /po/logs[/{analysis_id}]`. */
import { endpoint } from '../../../shared/http/endpoint.ts'
import { jsonStream } from '../../../shared/http/json-stream.ts'
import { http } from '../../../shared/http/register.ts'
import { logs } from '../../../shared/po/logs.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { cluster } from '../../../shared/wire/cluster.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.logs
const ports = wirePo(route, store, cluster)

http(
  route.name,
  endpoint(route, poSchemas.logs, async (deps, { params }) => jsonStream(await logs(deps, params.analysis_id)), ports),
)
