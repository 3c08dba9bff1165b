/**
 * The statistics of pools, caches and sinks as metrics of prom-client, which your project installs.
 *
 * @packageDocumentation
 */

import type { OpenMetricsContentType, PrometheusContentType, Registry } from 'prom-client'
import type { MetricSources } from './index'

/** One that is not known is refused. At least one of `pools`, `caches` and `sinks` is needed. */
export interface PrometheusOptions extends MetricSources {
  /** What the names of all metrics begin with: letters, digits, `_` and `:`. Default `'offloop_'`. */
  prefix?: string | undefined
  /**
   * Labels that all series of this call have besides their own. In one registry they have the same names in every call with
   * the same prefix. Default: none.
   */
  labels?: Readonly<Record<string, string | number>> | undefined
  /** Where the metrics go. Default: prom-client's global registry. */
  register?: Registry<PrometheusContentType> | Registry<OpenMetricsContentType> | undefined
}

/**
 * Registers metrics that are read when the registry is: nothing is done at other times, and nothing keeps the process alive.
 * Times are seconds and sizes bytes, as Prometheus has them. Counters never go back, whoever resets the statistics of a pool;
 * quantiles and utilization are of the time since that. All metrics are in docs/observability.md.
 *
 * Several calls may add to one registry. What was closed or forgotten is left out, and its name is free; what is measured is
 * not kept from being forgotten.
 *
 * @returns what removes everything that this call added
 * @throws TypeError for bad options, for a name that another pool, cache or sink of the registry has, and for labels of other
 * names than before
 * @throws Error of prom-client for a metric of the same name that is not ours
 * @example
 * const stop = collectMetrics({ pools: [pool], caches: { users } })
 * app.get('/metrics', async (_, res) => res.type(register.contentType).send(await register.metrics()))
 */
export function collectMetrics(options: PrometheusOptions): () => void
