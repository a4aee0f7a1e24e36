/** `POST /service/launch`. The event that makes its objects goes out after the answer. */
import { launch } from '../../../shared/dt/launch.ts'
import { launchRequest } from '../../../shared/dt/requests.ts'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { tellSoon } from '../../../shared/dt/tell.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes.ts'
import { twinCluster } from '../../../shared/wire/twin-cluster.ts'
import { twinSink } from '../../../shared/wire/twin-sink.ts'
import { twinStore } from '../../../shared/wire/twin-store.ts'
import { wireTwins } from '../../../shared/wire/twins.ts'

const route = routes.dt.serviceLaunch
const ports = wireTwins(route, twinStore, twinCluster, twinSink)

http(
  route.name,
  endpoint(route, dtSchemas.serviceLaunch, (deps, { body }) => launch(deps, launchRequest(body)), ports, {
    afterAnswer: (deps, _, { id }) => tellSoon(deps, id),
  }),
)
