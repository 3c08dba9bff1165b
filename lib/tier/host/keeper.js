'use strict'

const { join } = require('node:path')
const { Worker } = require('node:worker_threads')
const native = require('../../native')

const THREAD = join(__dirname, 'keeper-thread.js')

/** The keeper of a host's records in this process. The records live as long as the lock is held. */
class Keeper {
  /** @type {number | undefined} */
  #lock
  #worker
  /** Resolves when processes can connect. @type {Promise<void>} */
  ready

  /**
   * Becomes the keeper. Returns `undefined` if there is one already.
   * @param {import('./address').Address} address
   * @param {number} maxBytes
   * @param {() => void} onEnd called if the keeper fails later
   */
  static start(address, maxBytes, onEnd) {
    const lock = native.lockFile(address.lock)
    return lock === null ? undefined : new Keeper(lock, address, maxBytes, onEnd)
  }

  /**
   * @param {number} lock
   * @param {import('./address').Address} address
   * @param {number} maxBytes
   * @param {() => void} onEnd
   */
  constructor(lock, { socket, isFile }, maxBytes, onEnd) {
    this.#lock = lock
    // The flags and the environment of the program are not for this thread.
    this.#worker = new Worker(THREAD, { workerData: { socket, isFile, maxBytes }, execArgv: [], env: {} })
    this.#worker.unref()
    this.ready = new Promise((resolve, reject) => {
      this.#worker.once('message', ({ failure }) => (failure === undefined ? resolve() : reject(new Error(failure))))
      this.#worker.once('error', reject)
      this.#worker.once('exit', () => reject(new Error('the thread of the keeper has ended')))
    })
    this.ready.catch(() => {})
    this.#worker.once('exit', () => {
      this.#unlock()
      onEnd()
    })
  }

  async stop() {
    await this.#worker.terminate()
    this.#unlock()
  }

  #unlock() {
    if (this.#lock !== undefined) native.unlockFile(this.#lock)
    this.#lock = undefined
  }
}

module.exports = { Keeper }
