'use strict'

const { channel } = require('node:diagnostics_channel')
const { now, setImmediate } = require('../internal/clock')
const { blockOf, firstSample } = require('./block')
const { requests } = require('./requests')
const { originalFrames } = require('./source-maps')

/** @typedef {import('./block').RawBlock} RawBlock */

const blocks = channel('offloop:block')

/** @type {WeakMap<RawBlock, PendingBlock>} */
const pending = new WeakMap()

/** A block before its report: all watches of this thread share it. */
class PendingBlock {
  block
  #times
  #isDescribed = false
  #isPublished = false
  /** @type {Promise<void> | undefined} */
  #completion

  /** @param {RawBlock} raw */
  constructor(raw) {
    this.block = blockOf(raw)
    const began = now() - raw.endedAgo - raw.duration
    const sample = firstSample(this.block)
    this.#times = { began, sampled: began + (sample === undefined ? 0 : sample.at + sample.lateness) }
  }

  /** Adds the request and the positions in sources. */
  complete() {
    this.#completion ??= this.#complete()
    return this.#completion
  }

  async #complete() {
    // The requests that waited for the end of the block begin in this iteration.
    await /** @type {Promise<void>} */ (new Promise(resolve => setImmediate(resolve)))
    this.describe()
    const { samples } = this.block
    const frames = await Promise.all(samples.map(sample => originalFrames(sample.frames)))
    for (const [index, sample] of samples.entries()) sample.frames = frames[index]
  }

  /** Adds the request without waiting. */
  describe() {
    if (this.#isDescribed) return
    this.#isDescribed = true
    const frames = firstSample(this.block)?.frames ?? []
    Object.assign(this.block, requests.during(frames, this.#times))
  }

  /** Publishes the block, once. */
  publish() {
    if (!this.#isPublished && blocks.hasSubscribers) blocks.publish(this.block)
    this.#isPublished = true
  }
}

/** Returns the block that several watches receive. @param {RawBlock} raw */
function pendingBlock(raw) {
  const known = pending.get(raw) ?? new PendingBlock(raw)
  pending.set(raw, known)
  return known
}

module.exports = { PendingBlock, pendingBlock }
