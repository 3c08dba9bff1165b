/**
 * The statistics of pools, caches and streams as metrics of OpenTelemetry, whose API your project installs.
 *
 * @packageDocumentation
 */

import type { MeterProvider } from '@opentelemetry/api'
import type { MetricSources } from './index'

/** Options of {@link observeMetrics}. At least one of `pools`, `caches`, `streams` and `loops` is required. Unknown options are rejected. */
export interface OpenTelemetryOptions extends MetricSources {
  /** Provider of the meter. Default: the global one, which must be set before the call: the initial one measures nothing. */
  meterProvider?: MeterProvider | undefined
  /** Attributes added to all series of this call. Default: none. */
  attributes?: Readonly<Record<string, string | number | boolean>> | undefined
}

/**
 * Creates observable instruments that read the statistics only when the provider collects; nothing keeps the process alive. Times
 * are in seconds. Quantiles and utilization cover the time since the pool or cache was made. All instruments are listed in
 * docs/observability.md.
 *
 * Several calls may add to one provider. Closed and garbage-collected objects are no longer observed, and their names are free
 * again; measuring an object does not keep it alive.
 *
 * @returns a function that stops observing everything this call added
 * @throws TypeError for bad options, and for a name that another pool, cache or stream of the provider has
 * @example
 * metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
 * const stop = observeMetrics({ pools: [pool], caches: { users } })
 */
export function observeMetrics(options: OpenTelemetryOptions): () => void
