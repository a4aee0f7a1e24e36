import { createSink } from '../adapters/sink/index.ts'
import type { Ports } from '../dt/ports.ts'
import type { TwinWiring } from './twins.ts'

export const twinSink: TwinWiring<Pick<Ports, 'sink'>> = ({ config }) => ({
  sink: config.K_SINK === '' ? null : createSink({ url: config.K_SINK, extensions: config.K_CE_OVERRIDES }),
})
