import type { MeterProvider } from '@opentelemetry/api'
import { type OpenMetricsContentType, type PrometheusContentType, Registry } from 'prom-client'
import { expectAssignable, expectError, expectType } from 'tsd'
import { Cache, type MetricSources, type Pool, pool, type Sink, transforms } from '../..'
import { type OpenTelemetryOptions, observeMetrics } from '../../opentelemetry'
import { collectMetrics, type PrometheusOptions } from '../../prometheus'

declare const pools: readonly Pool[]
declare const meterProvider: MeterProvider
declare const registry: Registry<PrometheusContentType>
declare const openMetrics: Registry<OpenMetricsContentType>
declare const numbers: Cache<number, { name: string }>
const users = new Cache({ max: 1, load: async id => ({ id }) })
const hash = pool.collect(transforms.digest('md5', { encoding: 'hex' }))
const each = pool.each(transforms.gzip())
const zip = pool.stream(transforms.gzip())
expectType<Sink<string>>(hash)

// Pools are a list or named; caches and streams of any type are named.
expectType<() => void>(collectMetrics({ pools }))
expectType<() => void>(observeMetrics({ pools }))
collectMetrics({ pools: [pool], caches: { users, numbers }, streams: { hash, each, zip } })
observeMetrics({ pools: { main: pool }, caches: { users, numbers }, streams: { hash, each } })
expectError(collectMetrics())
expectError(observeMetrics())
expectError(collectMetrics({ pools: pool }))
expectError(collectMetrics({ pools: [users] }))
expectError(observeMetrics({ caches: [users] }))
expectError(observeMetrics({ caches: { pool } }))
expectError(collectMetrics({ streams: { users } }))
expectError(collectMetrics({ pool }))

// Options of each exporter
collectMetrics({ pools, prefix: 'app_', labels: { team: 'a', shard: 1 }, register: registry })
collectMetrics({ pools, register: openMetrics })
collectMetrics({ pools, register: new Registry() })
expectError(collectMetrics({ pools, prefix: 5 }))
expectError(collectMetrics({ pools, labels: { on: true } }))
expectError(collectMetrics({ pools, register: meterProvider }))
expectError(collectMetrics({ pools, meterProvider }))
observeMetrics({ pools, meterProvider, attributes: { team: 'a', shard: 1, on: true } })
expectError(observeMetrics({ pools, attributes: { team: null } }))
expectError(observeMetrics({ pools, meterProvider: registry }))
expectError(observeMetrics({ pools, prefix: 'app_' }))

// Every option may be undefined.
const noSources: MetricSources = { pools: undefined, caches: undefined, streams: undefined }
expectAssignable<PrometheusOptions>({ ...noSources, prefix: undefined, labels: undefined, register: undefined })
expectAssignable<OpenTelemetryOptions>({ ...noSources, meterProvider: undefined, attributes: undefined })
