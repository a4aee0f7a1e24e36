import { createSink } from '../adapters/sink/index.ts'
import type { Sink } from '../platform/ports.ts'
import { type Config, ConfigFault } from '../settings/config.ts'
import type { Wiring } from './context.ts'

type SinkWiring = Wiring<{ readonly sink: Sink | null }>

export const dtSink: SinkWiring = ({ config }) => ({
  sink: config.K_SINK === '' ? null : createSink({ url: config.K_SINK, extensions: config.K_CE_OVERRIDES }),
})

/** Without a sink for the events of a sweep, nothing would be reconciled. */
function check({ FANOUT, K_SINK }: Config): void {
  if (FANOUT === 'events' && K_SINK === '') throw new ConfigFault(['K_SINK: expected a value, since FANOUT is events'])
}

export const sink = Object.assign(((context) => dtSink(context)) satisfies SinkWiring, { check })
