/** `POST /po/stream_logs`. Database only; reports reach the Hub after the answer. */
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { recordLog } from '../../../shared/po/record-log.ts'
import { deliverSoon } from '../../../shared/po/report.ts'
import { lineRequest } from '../../../shared/po/requests.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { hub } from '../../../shared/wire/hub.ts'
import { wirePo } from '../../../shared/wire/po.ts'
import { store } from '../../../shared/wire/store.ts'

const route = routes.po.streamLogs
const ports = wirePo(route, store, hub)

registerEndpoint(route, poSchemas.streamLogs, async (deps, request) => recordLog(deps, lineRequest(request)), ports, {
  afterAnswer: deliverSoon(),
})
