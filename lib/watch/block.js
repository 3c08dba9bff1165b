'use strict'

const { threadId } = require('node:worker_threads')
const { framesOf } = require('./frames')

/**
 * @typedef {import('../../watch').Block} Block
 * @typedef {NonNullable<ReturnType<import('../native')['takeBlock']>>} RawBlock
 */

/**
 * Returns a block as subscribers receive it, without its request.
 * @param {RawBlock} raw
 * @returns {Block}
 */
function blockOf(raw) {
  const { began, duration, starved, suspended, gc, systemCall } = raw
  const samples = raw.samples.map(({ at, capture, lateness, error }) => {
    return { at, capture, lateness, frames: error === null ? [] : framesOf(error) }
  })
  // V8 answers interrupts within JSON.stringify.
  const isJson = samples.find(hasFrames)?.frames[0].name.startsWith('JSON.') === true
  const cause = /** @type {Block['cause']} */ (raw.cause === 'cpu' && isJson ? 'native' : raw.cause)
  return {
    began,
    duration,
    cause,
    own: Math.round(Math.max(0, duration - starved - suspended) * 1000) / 1000,
    starved,
    gc,
    samples,
    ...(cause === 'blocked' && systemCall !== null ? { systemCall } : {}),
    waited: 0,
    thread: threadId
  }
}

/** Returns whether a stack was captured. @param {Block['samples'][number]} sample */
function hasFrames({ frames }) {
  return frames.length > 0
}

/** Returns a text that is equal for blocks with the same innermost frames. @param {Block} block */
function stackKey(block) {
  const frames = block.samples.find(hasFrames)?.frames ?? []
  const user = frames.filter(frame => frame.isUser)
  const innermost = (user.length > 0 ? user : frames).slice(0, 3)
  return innermost.map(({ file, line, name }) => `${name} ${file}:${line}`).join('\n')
}

module.exports = { blockOf, hasFrames, stackKey }
