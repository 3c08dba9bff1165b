'use strict'

// The connection of this thread to the keeper of its host, which may be this process.

const { connect } = require('node:net')
const { commandsOver } = require('../commands')
const { timing } = require('../timing')
const { nextTick } = require('../../internal/clock')
const { FrameReader, frameOf } = require('./frames')
const { Keeper } = require('./keeper')
const { KINDS, MAX_FRAME, split, withBytes } = require('./protocol')

/**
 * @typedef {import('../engine').Engine} Engine
 * @typedef {import('../engine').EngineListener} EngineListener
 * @typedef {import('../engine').Command} Command
 * @typedef {{ resolve(reply: any): void, reject(error: Error): void }} Pending
 */

/** Failures to connect after which this process may become the keeper. */
const ABSENT = ['ENOENT', 'ECONNREFUSED']
/** Limits of the pause before the next attempt, in milliseconds. */
const MIN_PAUSE = 10
const MAX_PAUSE = 500
/** Maximum number of bytes unread by the keeper. */
const MAX_OUTPUT = 64 << 20

class Connection {
  #address
  #maxBytes
  /** @type {EngineListener | undefined} */
  #listener
  /** @type {import('node:net').Socket | undefined} */
  #socket
  #isConnected = false
  #isHeld = false
  #isClosed = false
  /** @type {Keeper | undefined} */
  #keeper
  /** Commands without a reply, by number. @type {Map<number, Pending>} */
  #pending = new Map()
  #number = 0
  #pause = MIN_PAUSE
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /**
   * @param {import('./address').Address} address
   * @param {number} maxBytes of the records, if this process becomes the keeper
   */
  constructor(address, maxBytes) {
    this.#address = address
    this.#maxBytes = maxBytes
  }

  /** @param {EngineListener} listener */
  open(listener) {
    this.#listener = listener
    this.#connect()
  }

  /** @param {boolean} isHeld */
  hold(isHeld) {
    this.#isHeld = isHeld
    if (isHeld) this.#socket?.ref()
    else this.#socket?.unref()
  }

  /**
   * @param {Command} command
   * @returns {Promise<any>}
   */
  send({ name, cache, key, argument }) {
    return new Promise((resolve, reject) => {
      const socket = this.#socket
      if (!this.#isConnected || socket === undefined) return reject(new Error('there is no connection to the keeper'))
      if (socket.writableLength > MAX_OUTPUT) return reject(new Error('the keeper does not read'))
      const number = ++this.#number
      const [rest, bytes] = split(argument)
      this.#pending.set(number, { resolve, reject })
      if (socket.writableCorked === 0) {
        // One write for all commands of this iteration.
        socket.cork()
        nextTick(() => socket.uncork())
      }
      socket.write(frameOf([number, name, cache, key, rest], bytes))
    })
  }

  async close() {
    this.#isClosed = true
    timing.clearTimeout(this.#timer)
    this.#socket?.destroy()
    await this.#keeper?.stop()
  }

  #connect() {
    if (this.#isClosed) return
    this.#timer = undefined
    const socket = connect(this.#address.socket)
    const reader = new FrameReader(MAX_FRAME, (header, body) => this.#onFrame(header, body))
    /** @type {Error | undefined} */
    let reason
    this.#socket = socket
    if (!this.#isHeld) socket.unref()
    socket.once('connect', () => {
      this.#isConnected = true
      this.#pause = MIN_PAUSE
      this.#listener?.onConnected()
    })
    socket.on('data', chunk => {
      try {
        reader.push(/** @type {Buffer} */ (chunk))
      } catch (error) {
        socket.destroy(/** @type {Error} */ (error))
      }
    })
    socket.on('error', error => {
      reason = error
    })
    socket.once('close', () => this.#onClose(reason))
  }

  /** @param {Error & { code?: string } | undefined} reason */
  #onClose(reason = new Error('the keeper has closed the connection')) {
    const wasConnected = this.#isConnected
    this.#isConnected = false
    this.#socket = undefined
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject } of pending) reject(reason)
    if (this.#isClosed) return
    const isAbsent = !wasConnected && ABSENT.includes(reason.code ?? '')
    if (!isAbsent) this.#listener?.onDisconnected(reason)
    if (isAbsent && this.#keep()) return
    this.#retry()
  }

  /** Becomes the keeper, unless there is one already. Returns whether it did. */
  #keep() {
    try {
      const keeper = Keeper.start(this.#address, this.#maxBytes, () => {
        if (this.#keeper === keeper) this.#keeper = undefined
      })
      if (keeper === undefined) return false
      this.#keeper = keeper
      keeper.ready.then(
        () => this.#connect(),
        error => this.#onFailure(error)
      )
      return true
    } catch (error) {
      this.#listener?.onDisconnected(/** @type {Error} */ (error))
      return false
    }
  }

  /** @param {Error} error of the keeper */
  #onFailure(error) {
    if (this.#isClosed) return
    this.#listener?.onDisconnected(error)
    this.#keeper?.stop()
    this.#retry()
  }

  #retry() {
    if (this.#timer !== undefined) return
    this.#timer = timing.setTimeout(() => this.#connect(), this.#pause * (0.5 + timing.random()))
    this.#timer.unref()
    this.#pause = Math.min(MAX_PAUSE, 2 * this.#pause)
  }

  /**
   * @param {any[]} header
   * @param {Buffer} bytes
   */
  #onFrame([kind, ...rest], bytes) {
    if (kind === KINDS.echo) return this.#listener?.onEcho(rest[0])
    if (kind === KINDS.message) return this.#listener?.onMessage(rest[0], rest[1], withBytes(rest[2], bytes))
    const pending = this.#pending.get(rest[0])
    if (pending === undefined) return
    this.#pending.delete(rest[0])
    if (kind === KINDS.failure) pending.reject(new Error(rest[1]))
    else pending.resolve(withBytes(rest[1], bytes))
  }
}

/**
 * Returns an engine over the keeper of this host.
 * @param {import('./address').Address} address
 * @param {number} maxBytes
 * @returns {Engine}
 */
function hostEngine(address, maxBytes) {
  const connection = new Connection(address, maxBytes)
  return {
    ...commandsOver(command => connection.send(command)),
    open: listener => connection.open(listener),
    hold: isHeld => connection.hold(isHeld),
    close: () => connection.close()
  }
}

module.exports = { hostEngine }
