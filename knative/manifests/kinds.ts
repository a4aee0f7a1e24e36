/** Kinds of Knative Eventing and of the Gateway API: the fields that an installation writes. */
import type { CustomObject, V1 } from '../../shared/platform/objects.ts'

interface Reference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

export interface Destination {
  readonly ref: Reference
}

type Source<Kind extends string, Spec> = CustomObject<'sources.knative.dev/v1', Kind, { readonly spec: Spec }>
type Eventing<Kind extends string, Body> = CustomObject<'eventing.knative.dev/v1', Kind, Body>

export type PingSource = Source<
  'PingSource',
  {
    readonly schedule: string
    readonly timezone: string
    readonly contentType: string
    readonly data: string
    readonly sink: Destination
  }
>

export type WatchedResource = Pick<Reference, 'apiVersion' | 'kind'> & { readonly selector: V1<'LabelSelector'> }

export type ApiServerSource = Source<
  'ApiServerSource',
  {
    readonly serviceAccountName: string
    readonly mode: 'Reference' | 'Resource'
    readonly resources: readonly WatchedResource[]
    readonly sink: Destination
  }
>

export type SinkBinding = Source<'SinkBinding', { readonly subject: Reference; readonly sink: Destination }>

export type Broker = Eventing<'Broker', object>

export type Trigger = Eventing<
  'Trigger',
  {
    readonly spec: {
      readonly broker: string
      readonly filter: { readonly attributes: Readonly<Record<string, string>> }
      readonly subscriber: Destination
      readonly delivery: {
        readonly retry: number
        readonly backoffPolicy: 'exponential' | 'linear'
        readonly backoffDelay: string
        readonly deadLetterSink: Destination
      }
    }
  }
>

export interface PathMatch {
  readonly path: { readonly type: 'Exact' | 'PathPrefix'; readonly value: string }
}

export type HttpRoute = CustomObject<
  'gateway.networking.k8s.io/v1',
  'HTTPRoute',
  {
    readonly spec: {
      readonly rules: readonly {
        readonly matches: readonly PathMatch[]
        readonly filters: readonly { readonly type: 'URLRewrite'; readonly urlRewrite: { readonly hostname: string } }[]
        readonly backendRefs: readonly { readonly name: string; readonly namespace: string; readonly port: number }[]
        readonly timeouts: { readonly request: string }
      }[]
    }
  }
>
