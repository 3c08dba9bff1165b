'use strict'

const { subscribe, unsubscribe } = require('node:diagnostics_channel')

/** @typedef {import('../../watch').Block} Block */

/** Holds the event loop. @param {number} ms */
function spin(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/**
 * Collects the blocks of this thread until the end of a test. `next` waits for one that meets a condition, and removes it.
 * @param {import('node:test').TestContext} t
 */
function collectBlocks(t) {
  /** @type {Block[]} */
  const blocks = []
  /** @type {(() => void)[]} */
  const waiting = []
  const add = (/** @type {any} */ block) => {
    blocks.push(block)
    for (const check of waiting.splice(0)) check()
  }
  subscribe('offloop:block', add)
  t.after(() => unsubscribe('offloop:block', add))
  /**
   * @param {(block: Block) => boolean} condition
   * @returns {Promise<Block>}
   */
  const next = async condition => {
    // Waiting for a block keeps no handle open itself.
    const alive = setInterval(() => {}, 60_000)
    for (;;) {
      const index = blocks.findIndex(condition)
      if (index >= 0) {
        clearInterval(alive)
        return blocks.splice(index, 1)[0]
      }
      await /** @type {Promise<void>} */ (new Promise(resolve => waiting.push(resolve)))
    }
  }
  return { blocks, next }
}

/**
 * Returns whether a function is in a stack of a block.
 * @param {Block} block
 * @param {string} name
 */
function isIn({ samples }, name) {
  return samples.some(({ frames }) => frames.some(frame => frame.name === name))
}

module.exports = { collectBlocks, isIn, spin }
