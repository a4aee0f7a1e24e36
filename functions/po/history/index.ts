/** `GET /po/history[/{analysis_id}]`. Database only. */

import { jsonStream } from '../../../shared/http/json-stream.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { history } from '../../../shared/po/history.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.history
const ports = wirePo(route, store)

registerEndpoint(
  route,
  poSchemas.history,
  async (deps, { params }) => jsonStream(history(deps, params.analysis_id)),
  ports,
)
