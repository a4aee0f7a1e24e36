import { createSink } from '../adapters/sink/index.ts'
import type { Ports } from '../dt/ports.ts'
import type { DtWiring } from './dt.ts'

export const dtSink: DtWiring<Pick<Ports, 'sink'>> = ({ config }) => ({
  sink: config.K_SINK === '' ? null : createSink({ url: config.K_SINK, extensions: config.K_CE_OVERRIDES }),
})
