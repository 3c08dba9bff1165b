'use strict'

/** A key of a Map while its loads may race. */
class Slot {
  /** Identity of the Map; undefined if the slot is free. @type {ReturnType<typeof import('./map-mark').Mark.identity>} */
  map = undefined
  /** @type {unknown} */
  key = undefined
  /** @type {'absent' | 'set' | 'deleted'} */
  state = 'absent'
  /** Time of the first miss. */
  began = 0
  /** Tick of the latest misses, their number in that tick by method, and the number of callers that missed in earlier ticks. */
  tick = 0
  byHas = 0
  byGet = 0
  earlier = 0
  /** Number of callers that may still set the key, time until which they may, and extension of that time at each of their sets. */
  open = 0
  until = 0
  extension = 0
  /** Time by which these callers should have set the key: their loads began before the first set, and last no longer than the first. */
  due = 0
  /** Misses before the first set. */
  misses = 0
  hasOverwrite = false
  /** Whether `expected` of the line includes the callers in `open`. */
  isExpected = false
  /** Number of callers of earlier absences that may still set the key, time until which they may, and tick of the deletion. */
  pending = 0
  pendingUntil = 0
  deleted = 0
  /** The deleted value, until the key is set again. @type {unknown} */
  old = undefined

  /**
   * Follows another key.
   * @param {NonNullable<Slot['map']>} map
   * @param {unknown} key
   * @param {number} time
   */
  claim(map, key, time) {
    if (this.map !== undefined) this.map.followed--
    map.followed++
    this.map = map
    this.key = key
    this.start(time)
  }

  /** Begins an absence. @param {number} time */
  start(time) {
    this.state = 'absent'
    this.began = time
    this.byHas = this.byGet = this.earlier = 0
    this.pending = 0
    this.old = undefined
  }

  free() {
    if (this.map !== undefined) this.map.followed--
    this.map = undefined
    this.key = undefined
    this.old = undefined
  }

  /** Number of callers in the latest tick with misses. A caller may call `has`, `get` or both. */
  get latest() {
    return Math.max(this.byHas, this.byGet)
  }
}

module.exports = { Slot }
