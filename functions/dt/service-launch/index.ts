/** `POST /service/launch`. The event to reconcile it is sent after the answer. */
import { launch } from '../../../shared/dt/launch.ts'
import { publishSoon } from '../../../shared/dt/publish.ts'
import { launchRequest } from '../../../shared/dt/requests.ts'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { registerEndpoint } from '../../../shared/http/register-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireDt } from '../../../shared/wire/dt.ts'
import { dtCluster } from '../../../shared/wire/dt-cluster.ts'
import { dtStore } from '../../../shared/wire/dt-store.ts'
import { dtSink } from '../../../shared/wire/sink.ts'

const route = routes.dt.serviceLaunch
const ports = wireDt(route, dtStore, dtCluster, dtSink)

registerEndpoint(route, dtSchemas.serviceLaunch, (deps, { body }) => launch(deps, launchRequest(body)), ports, {
  afterAnswer: (deps, _, { id }) => publishSoon(deps, id),
})
