'use strict'

const native = require('../native')
const { Evictions } = require('./evictions')

/** Maximum number of evictions fetched from native code together. */
const PER_CALL = 64

/** Reports the evictions that native code keeps to `onEvict`. A value is decoded when it is reported. */
class NativeEvictions {
  #handle
  #decode
  #evictions
  /** Number of evictions that native code keeps, without those of a cleared cache. */
  #pending = 0
  /** Whether the evictions that native code keeps are queued. */
  #isQueued = false
  #isClosed = false

  /**
   * @param {number} handle
   * @param {import('../../index').CacheOptions<any, any>['onEvict']} onEvict
   * @param {string | undefined} name of the cache
   * @param {(id: any, bytes: Buffer) => any} decode
   */
  constructor(handle, onEvict, name, decode) {
    this.#handle = handle
    this.#decode = decode
    this.#evictions = new Evictions(onEvict, name)
  }

  /**
   * Queues the evictions that native code keeps.
   * @param {number} pending their number, or 0 after `clear`: a call does not report a whole cache
   */
  add(pending) {
    this.#pending = pending
    if (this.#isQueued || !this.#evictions.hasListener) return
    this.#isQueued = true
    this.#evictions.add(this.#fetch())
  }

  /** Reports the oldest evictions now if too many wait. Call it last: `onEvict` may call the cache. */
  drainExcess() {
    if (this.#evictions.hasListener) this.#evictions.drainExcess(() => this.#pending)
  }

  /** Fetches the last evictions, which native code is about to free. */
  close() {
    if (this.#evictions.hasListener) for (const eviction of [...this.#fetch()]) this.#evictions.add(eviction)
    this.#isClosed = true
  }

  *#fetch() {
    for (;;) {
      const list = this.#isClosed ? [] : native.cacheEvicted(this.#handle, PER_CALL)
      this.#pending = Math.max(0, this.#pending - PER_CALL)
      if (list.length === 0) break
      for (let index = 0; index < list.length; index += 3) {
        const [id, bytes, reason] = list.slice(index, index + 3)
        try {
          yield { id, value: this.#decode(id, bytes), reason }
        } catch (error) {
          this.#evictions.warnSkipped(id, error)
        }
      }
    }
    this.#isQueued = false
  }
}

module.exports = { NativeEvictions }
