'use strict'

// The keeper's end of a connection.

const { clearTimeout, nextTick, setTimeout } = require('../../internal/clock')
const { FrameReader, frameOf } = require('./frames')
const { KINDS, MAX_FRAME, commandOf, split } = require('./protocol')

/**
 * @typedef {import('../hub').Hub} Hub
 * @typedef {import('node:net').Socket} Socket
 */

/** Maximum of unread bytes. A process that does not read loses its connection. */
const MAX_OUTPUT = 32 << 20
/** Maximum pause of a process within a frame, in milliseconds. */
const PATIENCE = 30_000
/** Maximum number of caches per connection. */
const MAX_CACHES = 1000

/**
 * Executes the commands of a process.
 * @param {Hub} hub
 * @param {Socket} socket
 */
function serve(hub, socket) {
  /** @type {Set<string>} */
  const caches = new Set()
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const connection = {
    onEvent: (/** @type {import('../space').Event} */ { cache, key, message }) =>
      send([KINDS.message, cache, key], message),
    onEcho: (/** @type {number} */ beat) => send([KINDS.echo], beat)
  }

  /**
   * @param {unknown[]} header without its last field
   * @param {unknown} value last field
   */
  function send(header, value) {
    if (socket.destroyed) return
    const [rest, bytes] = split(value)
    if (socket.writableCorked === 0) {
      // One write for all replies to a chunk.
      socket.cork()
      nextTick(() => socket.uncork())
    }
    socket.write(frameOf([...header, rest], bytes))
    if (socket.writableLength > MAX_OUTPUT) socket.destroy()
  }

  /**
   * @param {any} header
   * @param {Buffer} body
   */
  function execute(header, body) {
    const { number, command } = commandOf(header, body)
    const { name, cache } = command
    if (name === 'unsubscribe') caches.delete(cache)
    if (name === 'subscribe') {
      if (caches.size >= MAX_CACHES) return send([KINDS.failure, number], `${MAX_CACHES} caches are already subscribed`)
      caches.add(cache)
    }
    send([KINDS.reply, number], hub.execute(connection, command))
  }

  const reader = new FrameReader(MAX_FRAME, execute)
  socket.on('data', chunk => {
    try {
      reader.push(/** @type {Buffer} */ (chunk))
    } catch {
      socket.destroy()
    }
    clearTimeout(timer)
    timer = reader.isInside ? setTimeout(() => socket.destroy(), PATIENCE) : undefined
  })
  // The process has closed the connection, or has ended.
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    clearTimeout(timer)
    hub.disconnect(connection)
  })
}

module.exports = { serve }
