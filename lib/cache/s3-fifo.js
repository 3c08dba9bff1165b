'use strict'

const { Ghosts } = require('./ghosts')
const { SlotLists } = require('./slot-lists')

/** @typedef {import('../../index').CacheId} Id */

/** Ends of the queue of new entries, and their bit in `#marks`. */
const SMALL = 0
/** Ends of the queue of established entries, and their bit in `#marks`. */
const MAIN = 1
/** The other bits of a mark count the uses of an entry. */
const USE = 2
const MAX_USES = 3 * USE
/** The small queue has at most this fraction of each limit, if the rest is in use. */
const SMALL_SHARE = 1 / 4
/** Maximum number of used entries that an eviction moves, so that its time is bounded. */
const MAX_MOVES = 256

/**
 * The eviction policy `'s3-fifo'`, after Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023).
 *
 * New entries enter a small queue. At its end, those that were used move to the main queue. The others are evicted, and their ids
 * remembered: an entry whose id is remembered enters the main queue. That queue gives an entry another round for each use, up to
 * three. While there is room, the small queue passes its oldest entries to the main one, used or not.
 */
class S3Fifo extends SlotLists {
  #bounds
  /** Queue and number of uses of each entry, by slot. */
  #marks = new Uint8Array(64)
  #smallCount = 0
  #smallBytes = 0
  #mainCount = 0
  #ghosts

  /** @param {import('./bounds').Bounds} bounds with the weights of the entries */
  constructor(bounds) {
    super(2)
    this.#bounds = bounds
    this.#ghosts = new Ghosts(bounds.max)
  }

  /**
   * Adds an entry for which there is room, in an allocated slot.
   * @param {number} slot
   * @param {Id} id
   * @param {number} rank that `rankOf` returned for the entry that this one replaces, or 0
   */
  insert(slot, id, rank) {
    if (slot >= this.#marks.length) this.#grow(slot)
    const isMain = rank === 0 ? this.#ghosts.take(id) : (rank & MAIN) === MAIN
    if (isMain) return this.#enterMain(slot, rank | MAIN)
    this.#marks[slot] = rank
    this.link(slot, SMALL)
    this.#smallCount++
    this.#smallBytes += this.#bounds.weightOf(slot)
    while (this.#smallCount > 1 && this.#exceedsShare(0, 0)) {
      const oldest = this.oldestOf(SMALL)
      this.#leave(oldest)
      this.#enterMain(oldest, this.#marks[oldest] | MAIN)
    }
  }

  /** Counts a use, up to three. @param {number} slot */
  touch(slot) {
    const mark = this.#marks[slot]
    if (mark < MAX_USES) this.#marks[slot] = mark + USE
  }

  /**
   * Removes an entry, whose weight is still known.
   * @param {number} slot
   * @param {Id | undefined} id to remember, if any. That of an unused entry of the main queue is not remembered
   */
  remove(slot, id) {
    this.#leave(slot)
    this.release(slot)
    if (id !== undefined && this.#marks[slot] !== MAIN) this.#ghosts.add(id)
    // After each removal: later, one eviction might have to drop millions.
    this.#ghosts.limit(this.#smallCount + this.#mainCount + 1)
  }

  /** Returns the rank for an entry that replaces this one: the same queue, and one use more. @param {number} slot */
  rankOf(slot) {
    this.touch(slot)
    return this.#marks[slot]
  }

  /**
   * Returns the slot of the entry to evict.
   * @param {number} entries to be added
   * @param {number} bytes their weight
   */
  victim(entries, bytes) {
    for (let moves = 0; ; moves++) {
      const isSmall = this.#mainCount === 0 || (this.#smallCount > 0 && this.#exceedsShare(entries, bytes))
      const slot = this.oldestOf(isSmall ? SMALL : MAIN)
      const mark = this.#marks[slot]
      if (mark < USE || moves === MAX_MOVES) return slot
      this.#leave(slot)
      this.#enterMain(slot, isSmall ? MAIN : mark - USE)
    }
  }

  /** Returns the slot of an entry that is likely to be evicted next; the ends if the small queue is empty. */
  likelyVictim() {
    return this.oldestOf(SMALL)
  }

  /** Returns all slots: those of the main queue, then those of the small one, each with the newest first. */
  slots() {
    /** @type {number[]} */
    const slots = []
    this.collect(MAIN, slots)
    this.collect(SMALL, slots)
    return slots
  }

  /** Whether the small queue would have more than its share with other entries. @type {(entries: number, bytes: number) => boolean} */
  #exceedsShare(entries, bytes) {
    const { max, maxBytes } = this.#bounds
    return this.#smallCount + entries > max * SMALL_SHARE || this.#smallBytes + bytes > maxBytes * SMALL_SHARE
  }

  /** @type {(slot: number, mark: number) => void} */
  #enterMain(slot, mark) {
    this.#marks[slot] = mark
    this.link(slot, MAIN)
    this.#mainCount++
  }

  /** Removes an entry from its queue. @param {number} slot */
  #leave(slot) {
    this.unlink(slot)
    if ((this.#marks[slot] & MAIN) === MAIN) this.#mainCount--
    else {
      this.#smallCount--
      this.#smallBytes -= this.#bounds.weightOf(slot)
    }
  }

  /** @param {number} slot that has no mark yet */
  #grow(slot) {
    const larger = new Uint8Array(2 * slot)
    larger.set(this.#marks)
    this.#marks = larger
  }
}

module.exports = { S3Fifo }
