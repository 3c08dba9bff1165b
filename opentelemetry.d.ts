/**
 * The statistics of pools, caches and sinks as metrics of OpenTelemetry, whose API your project installs.
 *
 * @packageDocumentation
 */

import type { MeterProvider } from '@opentelemetry/api'
import type { MetricSources } from './index'

/** One that is not known is refused. At least one of `pools`, `caches` and `sinks` is needed. */
export interface OpenTelemetryOptions extends MetricSources {
  /** Whose meter is used. Default: the global one, which has to be set before the call: the one before that measures nothing. */
  meterProvider?: MeterProvider | undefined
  /** Attributes that all series of this call have besides their own. Default: none. */
  attributes?: Readonly<Record<string, string | number | boolean>> | undefined
}

/**
 * Makes observable instruments that are read when the provider collects: nothing is done at other times, and nothing keeps the
 * process alive. Times are seconds. Counters never go back, whoever resets the statistics of a pool; quantiles and utilization
 * are of the time since that. All instruments are in docs/observability.md.
 *
 * Several calls may add to one provider. What was closed or forgotten is observed no more, and its name is free; what is
 * measured is not kept from being forgotten.
 *
 * @returns what ends the observation of everything that this call added
 * @throws TypeError for bad options, and for a name that another pool, cache or sink of the provider has
 * @example
 * metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
 * const stop = observeMetrics({ pools: [pool], caches: { users } })
 */
export function observeMetrics(options: OpenTelemetryOptions): () => void
