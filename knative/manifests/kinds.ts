/** Kinds of Knative Eventing and of the Gateway API: the fields that an installation writes. */
import type { CustomObject, Labels, V1 } from '../../shared/platform/objects.ts'

type Texts<Names extends string> = Readonly<Record<Names, string>>
type Reference = Texts<'apiVersion' | 'kind' | 'name'>

export interface Destination {
  readonly ref: Reference
}

type Source<Kind extends string, Spec> = CustomObject<
  'sources.knative.dev/v1',
  Kind,
  { readonly spec: Spec & { readonly sink: Destination } }
>
type Eventing<Kind extends string, Body> = CustomObject<'eventing.knative.dev/v1', Kind, Body>

export type PingSource = Source<'PingSource', Texts<'schedule' | 'timezone' | 'contentType' | 'data'>>

export type WatchedResource = Texts<'apiVersion' | 'kind'> & { readonly selector: V1<'LabelSelector'> }

export type ApiServerSource = Source<
  'ApiServerSource',
  Texts<'serviceAccountName' | 'mode'> & { readonly resources: readonly WatchedResource[] }
>

export type SinkBinding = Source<'SinkBinding', { readonly subject: Reference }>

export type KnativeBroker = Eventing<'Broker', object>

interface Delivery extends Texts<'backoffPolicy' | 'backoffDelay'> {
  readonly retry: number
  readonly deadLetterSink: Destination
}

interface TriggerSpec extends Texts<'broker'> {
  readonly filter: { readonly attributes: Labels }
  readonly subscriber: Destination
  readonly delivery: Delivery
}

export type Trigger = Eventing<'Trigger', { readonly spec: TriggerSpec }>

export interface PathMatch {
  readonly path: { readonly type: 'Exact' | 'PathPrefix'; readonly value: string }
}

export interface RouteRule {
  readonly matches: readonly PathMatch[]
  readonly filters: readonly { readonly type: 'URLRewrite'; readonly urlRewrite: Texts<'hostname'> }[]
  readonly backendRefs: readonly (Texts<'name' | 'namespace'> & { readonly port: number })[]
  readonly timeouts: Texts<'request'>
}

export type HttpRoute = CustomObject<
  'gateway.networking.k8s.io/v1',
  'HTTPRoute',
  { readonly spec: { readonly rules: readonly RouteRule[] } }
>
