/**
 * The statistics of pools, caches and streams as metrics of prom-client, which your project installs.
 *
 * @packageDocumentation
 */

import type { OpenMetricsContentType, PrometheusContentType, Registry } from 'prom-client'
import type { MetricSources } from './index'

/** Options of {@link collectMetrics}. At least one of `pools`, `caches`, `streams` and `loops` is required. Unknown options are rejected. */
export interface PrometheusOptions extends MetricSources {
  /** Prefix of all metric names: letters, digits, `_` and `:`. Default `'offloop_'`. */
  prefix?: string | undefined
  /**
   * Labels added to all series of this call. In one registry, all calls with the same prefix must use the same label names.
   * Default: none.
   */
  labels?: Readonly<Record<string, string | number>> | undefined
  /** Registry to add the metrics to. Default: prom-client's global registry. */
  register?: Registry<PrometheusContentType> | Registry<OpenMetricsContentType> | undefined
}

/**
 * Registers metrics that read the statistics only when the registry is read; nothing keeps the process alive. Times are in
 * seconds and sizes in bytes, as is usual in Prometheus. Quantiles and utilization cover
 * the time since the pool or cache was made. All metrics are listed in docs/observability.md.
 *
 * Several calls may add to one registry. Closed and garbage-collected objects are left out, and their names are free again;
 * measuring an object does not keep it alive.
 *
 * @returns a function that removes everything this call added
 * @throws TypeError for bad options, for a name that another pool, cache or stream of the registry has, and for label names that
 * differ from those of earlier calls
 * @throws Error of prom-client if another metric has the same name
 * @example
 * const stop = collectMetrics({ pools: [pool], caches: { users } })
 * app.get('/metrics', async (_, res) => res.type(register.contentType).send(await register.metrics()))
 */
export function collectMetrics(options: PrometheusOptions): () => void
