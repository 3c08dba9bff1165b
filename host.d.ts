import type { Tier, TierCompression } from './index'

/** Options of {@link hostTier}. Unknown options are rejected. Times are in milliseconds. */
export interface HostTierOptions {
  /**
   * Directory in which the processes meet, created with mode 700. It must belong to this user, and be closed to others; Windows does
   * not check this. Default: `offloop` in
   * `$XDG_RUNTIME_DIR`, otherwise one in the temporary directory.
   */
  path?: string | undefined
  /** Size of all records, if this process is the keeper, 1 or more; evicts the least recently used. Default 64 MiB. */
  maxBytes?: number | undefined
  /** Maximum age of a copy in a process. With 0, each call asks the tier. Default 1000. */
  maxStale?: number | undefined
  /** Command timeout, 1 or more. Default 250. */
  timeout?: number | undefined
  /** Time after which another process repeats the load of a process that has died, 10 or more. Default 3000. */
  leaseTtl?: number | undefined
  /** Maximum size of a shared value, 1 byte to 64 MiB; larger values stay in the process that loads them. Default 1 MiB. */
  maxValueBytes?: number | undefined
  /** Compresses large values on the threads of a pool. Default `false`. */
  compress?: false | TierCompression | undefined
  /**
   * While the tier cannot be reached: `'local'` keeps loaded values for `maxStale`, `'load'` keeps none, `'fail'` rejects with ERR_OFFLOOP_TIER
   * instead of loading. Default `'local'`.
   */
  whenDown?: 'local' | 'load' | 'fail' | undefined
  /** Receives the reason when the tier cannot be reached, and the errors of changes that the tier has not acknowledged. */
  onError?: ((error: Error) => void) | undefined
}

/**
 * Returns a tier for all processes of this user on this host. One of them keeps the records in a separate thread; when that process
 * ends, another takes over, without records.
 * @throws TypeError or RangeError for bad options; OffloopError ERR_OFFLOOP_TIER if the directory cannot be used
 * @example
 * const { TieredCache } = require('offloop')
 * const { hostTier } = require('offloop/host')
 * const prices = new TieredCache({ name: 'prices', max: 10_000, ttl: 60_000, tier: hostTier(), load: id => db.price(id) })
 */
export function hostTier(options?: HostTierOptions | undefined): Tier
