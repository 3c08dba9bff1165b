'use strict'

const { channel } = require('node:diagnostics_channel')
const { setImmediate } = require('../internal/clock')
const { blockOf, hasFrames } = require('./block')
const { originalFrames } = require('./source-maps')

/**
 * @typedef {import('./block').RawBlock} RawBlock
 * @typedef {import('./requests').Requests} Requests
 * @typedef {import('./requests').Moment} Moment
 */

const blocks = channel('offloop:block')

/** @type {WeakMap<RawBlock, PendingBlock>} */
const pending = new WeakMap()

/** A block before its report: all watches of this thread share it. */
class PendingBlock {
  block
  #requests
  #moment
  #isDescribed = false
  #isPublished = false
  /** @type {Promise<void> | undefined} */
  #completion

  /**
   * @param {RawBlock} raw
   * @param {Requests} requests
   */
  constructor(raw, requests) {
    this.block = blockOf(raw)
    this.#requests = requests
    const sample = raw.samples[this.block.samples.findIndex(hasFrames)]
    this.#moment = /** @type {Moment | undefined} */ (sample?.requests) ?? nothingKnown(raw.begun)
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
    const frames = this.block.samples.find(hasFrames)?.frames ?? []
    Object.assign(this.block, this.#requests.during(frames, this.#moment))
  }

  /** Publishes the block, once. */
  publish() {
    if (!this.#isPublished && blocks.hasSubscribers) blocks.publish(this.block)
    this.#isPublished = true
  }
}

/**
 * @param {number} begun
 * @returns {Moment}
 */
function nothingKnown(begun) {
  return { begun, current: undefined, inFlight: undefined }
}

/**
 * Returns the block that several watches receive.
 * @param {RawBlock} raw
 * @param {Requests} requests
 */
function pendingBlock(raw, requests) {
  const known = pending.get(raw) ?? new PendingBlock(raw, requests)
  pending.set(raw, known)
  return known
}

module.exports = { PendingBlock, pendingBlock }
