/** `GET /po/logs[/{analysis_id}]`. */

import { jsonStream } from '../../../shared/http/json-stream.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { logs } from '../../../shared/po/logs.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { cluster } from '../../../shared/wire/cluster.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.logs
const ports = wirePo(route, store, cluster)

registerEndpoint(
  route,
  poSchemas.logs,
  async (deps, { params }) => jsonStream(await logs(deps, params.analysis_id)),
  ports,
)
