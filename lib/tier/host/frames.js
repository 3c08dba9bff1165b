'use strict'

// Frames of a connection: the length of the rest, the length of the header, the header as JSON, and the body.

/** Bytes of both lengths. */
const PREFIX = 8
/** Bytes of a length. */
const LENGTH = 4

/**
 * Returns a frame.
 * @param {unknown[]} header
 * @param {Uint8Array} [body]
 */
function frameOf(header, body) {
  const text = JSON.stringify(header)
  const headerLength = Buffer.byteLength(text)
  const bodyLength = body === undefined ? 0 : body.byteLength
  const frame = Buffer.allocUnsafe(PREFIX + headerLength + bodyLength)
  frame.writeUInt32LE(LENGTH + headerLength + bodyLength, 0)
  frame.writeUInt32LE(headerLength, LENGTH)
  frame.write(text, PREFIX)
  if (body !== undefined) frame.set(body, PREFIX + headerLength)
  return frame
}

/** Reads the frames of a connection. */
class FrameReader {
  #maxBytes
  #onFrame
  /** Bytes of a frame that is not complete. @type {Buffer[]} */
  #chunks = []
  #size = 0
  /** Known length of the frame, or that of its prefix. */
  #needed = PREFIX

  /**
   * @param {number} maxBytes of a frame
   * @param {(header: any, body: Buffer) => void} onFrame
   */
  constructor(maxBytes, onFrame) {
    this.#maxBytes = maxBytes
    this.#onFrame = onFrame
  }

  /** Whether the last frame is incomplete. */
  get isInside() {
    return this.#size > 0
  }

  /** Reads the frames that this chunk completes. Throws if a frame is malformed. @param {Buffer} chunk */
  push(chunk) {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#needed) return
    const data = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size)
    let at = 0
    for (;;) {
      const end = at + this.#lengthAt(data, at)
      this.#needed = end - at
      if (end > data.length) break
      this.#read(data, at, end)
      at = end
    }
    this.#size = data.length - at
    this.#chunks = this.#size === 0 ? [] : [data.subarray(at)]
  }

  /**
   * Returns the length of a frame, or that of its prefix.
   * @param {Buffer} data
   * @param {number} at
   */
  #lengthAt(data, at) {
    if (data.length - at < PREFIX) return PREFIX
    const length = data.readUInt32LE(at)
    if (length < LENGTH || length > this.#maxBytes)
      throw new Error(`bad frame length ${length} (at most ${this.#maxBytes})`)
    return LENGTH + length
  }

  /**
   * @param {Buffer} data
   * @param {number} at
   * @param {number} end
   */
  #read(data, at, end) {
    const start = at + PREFIX
    const middle = start + data.readUInt32LE(at + LENGTH)
    if (middle > end) throw new Error('a header that is longer than its frame')
    this.#onFrame(JSON.parse(data.toString('utf8', start, middle)), data.subarray(middle, end))
  }
}

module.exports = { FrameReader, frameOf }
