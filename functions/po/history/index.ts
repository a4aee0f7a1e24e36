/** `GET /po/history[/{analysis_id}]`. Database only. */
import { endpoint } from '../../../shared/http/endpoint.ts'
import { jsonStream } from '../../../shared/http/json-stream.ts'
import { http } from '../../../shared/http/register.ts'
import { history } from '../../../shared/po/history.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.history
const ports = wirePo(route, store)

http(
  route.name,
  endpoint(route, poSchemas.history, async (deps, { params }) => jsonStream(history(deps, params.analysis_id)), ports),
)
