/** The loop of digital twins, as CloudEvents: a tick, one service, or a hint of Kubernetes. */
import { handleEvent } from '../../../shared/dt/reconcile/handle.ts'
import { createMemory } from '../../../shared/dt/reconcile/standing.ts'
import { eventEndpoint } from '../../../shared/events/event-endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes.ts'
import { twinCluster } from '../../../shared/wire/twin-cluster.ts'
import { twinKeeping } from '../../../shared/wire/twin-keeping.ts'
import { twinSink } from '../../../shared/wire/twin-sink.ts'
import { twinStore } from '../../../shared/wire/twin-store.ts'
import { wireTwins } from '../../../shared/wire/twins.ts'

const route = routes.dt.reconcile
const ports = wireTwins(route, twinStore, twinCluster, twinSink, twinKeeping)

http(
  route.name,
  eventEndpoint(
    route,
    ({ ports, memory }, event) => handleEvent(ports, memory, event),
    () => ({ ports: ports(), memory: createMemory() }),
  ),
)
