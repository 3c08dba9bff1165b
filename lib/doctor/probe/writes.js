'use strict'

// Counts writes to streams that need a drain. The writes to a stream until it drains are a series; streams whose drain the program awaits
// have none.

const { OutgoingMessage, ServerResponse } = require('node:http')
const { Duplex, Writable } = require('node:stream')
const { replace } = require('./replace')
const { Sites, className } = require('./sites')

/**
 * @typedef {import('../facts').Site} Site
 * @typedef {import('../facts').WriteFact} WriteFact
 * @typedef {WriteFact & { unit: 'bytes' | 'objects' }} Fact
 */

/** Length up to which a series is not recorded: several writers may wait for the same drain. */
const USUAL = 32
/** Size of the buffer up to which a series is not recorded. */
const LITTLE = { bytes: 256 * 1024, objects: 1000 }
/** Multiple of the high water mark up to which a series is not recorded. */
const MARKS = 4
/** Maximum number of series at the same time. */
const MAX_OPEN = 1024
const { apply } = Reflect

/** The writes to a stream since it needed a drain. */
class Series {
  ignored = 0
  /** Size of the buffer at which the next stack is captured. */
  next = 0
  /** Fact of the writing line, once the buffer is large. @type {Fact | undefined} */
  fact
  /** Last fact that counted the stream. @type {Fact | undefined} */
  #counted

  /**
   * @param {any} stream
   * @param {(stream: unknown) => boolean} needsDrain
   */
  constructor(stream, needsDrain) {
    this.stream = new WeakRef(stream)
    this.needsDrain = needsDrain
    this.unit = /** @type {Fact['unit']} */ (stream.writableObjectMode === true ? 'objects' : 'bytes')
  }

  end() {
    this.ignored = 0
    this.next = 0
    this.fact = undefined
  }

  /** @param {Fact} fact */
  belongsTo(fact) {
    this.fact = fact
    if (this.#counted !== fact) fact.streams++
    this.#counted = fact
  }
}

class Writes {
  /** @type {WeakMap<object, Series>} */
  #ofStream = new WeakMap()
  /** @type {Set<Series>} */
  #open = new Set()
  /** @type {Sites<Fact>} */
  #facts = new Sites()

  /** Whether there is a series that has not ended. */
  get hasOpen() {
    return this.#open.size > 0
  }

  /**
   * Records a write to a stream that needed a drain.
   * @param {any} stream
   * @param {(stream: unknown) => boolean} needsDrain
   * @param {Function} wrapper
   */
  ignored(stream, needsDrain, wrapper) {
    if (isExempt(stream)) return
    const series = this.#seriesOf(stream, needsDrain)
    if (series === undefined) return
    const { writableLength: buffered, writableHighWaterMark: highWaterMark } = stream
    const fact = this.#factOf(series, stream, buffered, highWaterMark, wrapper)
    if (fact === undefined) return
    fact.ignored = Math.max(fact.ignored, series.ignored)
    if (buffered <= fact.buffered) return
    fact.buffered = buffered
    fact.highWaterMark = highWaterMark
  }

  /**
   * @param {object} stream
   * @param {(stream: unknown) => boolean} needsDrain
   */
  #seriesOf(stream, needsDrain) {
    const series = this.#ofStream.get(stream) ?? new Series(stream, needsDrain)
    if (series.ignored === 0) {
      if (this.#open.size >= MAX_OPEN) return undefined
      this.#ofStream.set(stream, series)
      this.#open.add(series)
    }
    series.ignored++
    return series
  }

  /**
   * Returns the fact of a series whose buffer is large. Captures the stack of the current write each time the buffer has doubled.
   * @param {Series} series
   * @param {object} stream
   * @param {number} buffered
   * @param {number} highWaterMark
   * @param {Function} wrapper
   */
  #factOf(series, stream, buffered, highWaterMark, wrapper) {
    if (series.ignored <= USUAL) return undefined
    if (series.next === 0) series.next = Math.max(LITTLE[series.unit], MARKS * highWaterMark)
    if (buffered < series.next) return series.fact
    series.next = buffered * 2
    const name = className(stream)
    const { unit } = series
    const fact = this.#facts.find(wrapper, `${name} ${unit}`, ({ frames }) => ({
      frames,
      stream: name,
      kind: stream instanceof ServerResponse ? 'response' : 'stream',
      ignored: 0,
      buffered: 0,
      highWaterMark,
      streams: 0,
      unit
    }))
    if (fact !== undefined) series.belongsTo(fact)
    return fact
  }

  /** Ends the series of a stream that does not need a drain any more. @param {object} stream */
  drained(stream) {
    const series = this.#ofStream.get(stream)
    if (series !== undefined && this.#open.delete(series)) series.end()
  }

  /** Ends the series of streams that have drained or ended since the last sample. */
  sample() {
    for (const series of this.#open) {
      const stream = /** @type {any} */ (series.stream.deref())
      if (stream !== undefined && stream.destroyed !== true && series.needsDrain(stream)) continue
      this.#open.delete(series)
      series.end()
    }
  }

  facts() {
    return this.#facts.all
  }
}

/**
 * Returns whether writes to a full stream are allowed: the stream is the standard output or error, the program has corked it, or a listener
 * awaits its drain. Corked responses do not count, since Node.js itself corks them.
 * @param {any} stream
 */
function isExempt(stream) {
  const { _isStdio, fd, _events } = stream
  if (_isStdio === true || fd === 1 || fd === 2 || _events?.drain !== undefined) return true
  return stream.writableCorked > 0 && !(stream instanceof OutgoingMessage)
}

/** @param {any} stream */
function streamNeedsDrain(stream) {
  try {
    return stream?._writableState?.needDrain === true
  } catch {
    return false
  }
}

/** @param {any} message */
function messageNeedsDrain(message) {
  try {
    return message?.writableNeedDrain === true
  } catch {
    return false
  }
}

let writes = new Writes()
let isMeasuring = false

/**
 * Observes the method `write` of stream classes.
 * @param {readonly (readonly [object, string])[]} methods
 * @param {(stream: unknown) => boolean} needsDrain
 */
function observe(methods, needsDrain) {
  return replace(methods, original => {
    /**
     * @this {unknown}
     * @param {any[]} args
     */
    const wrapper = function (...args) {
      if (!isMeasuring) return apply(original, this, args)
      const wasFull = needsDrain(this)
      const result = apply(original, this, args)
      if (wasFull) record(this, needsDrain, wrapper)
      else if (writes.hasOpen) writes.drained(/** @type {object} */ (this))
      return result
    }
    return wrapper
  })
}

/**
 * @param {unknown} stream
 * @param {(stream: unknown) => boolean} needsDrain
 * @param {Function} wrapper
 */
function record(stream, needsDrain, wrapper) {
  try {
    writes.ignored(stream, needsDrain, wrapper)
  } catch {
    // A getter of the program has thrown.
  }
}

/** Observes the writes of this thread from `begin` on. */
function install() {
  const streams = observe(
    [
      [Writable.prototype, 'write'],
      [Duplex.prototype, 'write']
    ],
    streamNeedsDrain
  )
  const messages = observe([[OutgoingMessage.prototype, 'write']], messageNeedsDrain)
  const isBlind = streams === 'fixed' || messages === 'fixed'
  return {
    begin() {
      writes = new Writes()
      isMeasuring = true
    },
    sample: () => writes.sample(),
    stop() {
      isMeasuring = false
      writes = new Writes()
    },
    collect: () => ({
      writes: writes.facts(),
      blind: /** @type {Record<string, string>} */ (
        isBlind ? { backpressure: 'the write() method of a stream class is frozen' } : {}
      )
    })
  }
}

module.exports = { install }
