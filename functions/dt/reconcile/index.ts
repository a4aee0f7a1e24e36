/** The loop of digital-twin services, as CloudEvents: a tick, one service, or a change in Kubernetes. */
import { handleEvent } from '../../../shared/dt/reconcile/handle.ts'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { eventEndpoint } from '../../../shared/events/event-endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'
import { wireDt } from '../../../shared/wire/dt.ts'
import { dtCluster } from '../../../shared/wire/dt-cluster.ts'
import { dtRetention } from '../../../shared/wire/dt-retention.ts'
import { dtStore } from '../../../shared/wire/dt-store.ts'
import { dtSink } from '../../../shared/wire/sink.ts'

const route = routes.dt.reconcile
const ports = wireDt(route, dtStore, dtCluster, dtSink, dtRetention)

http(
  route.name,
  eventEndpoint(
    route,
    ({ ports, cache }, event) => handleEvent(ports, cache, event),
    () => ({ ports: ports(), cache: createPolicyCache() }),
  ),
)
