'use strict'

// Caches with the same loader and, if bounded, the same maximum of entries. Each has a separate loop, which V8 compiles for
// that cache alone, as in a program with one cache.

const { Cache } = require('../..')

/**
 * @typedef {(id: string) => Promise<unknown>} Load
 *
 * @typedef {object} CacheContender
 * @property {(id: string) => Promise<unknown>} get
 * @property {(ids: readonly string[]) => Promise<void>} getAll each awaited before the next
 * @property {() => unknown} [close]
 */

/**
 * @param {Load} load
 * @param {number} max
 * @param {'heap' | 'native'} storage
 * @returns {CacheContender}
 */
function offloop(load, max, storage) {
  /** @type {Cache<string, unknown>} */
  const cache = new Cache({ max, storage, load })
  return {
    get: id => cache.get(id),
    async getAll(ids) {
      for (const id of ids) await cache.get(id)
    },
    close: () => cache.close()
  }
}

/**
 * @param {Load} load
 * @param {number} max
 * @returns {CacheContender}
 */
function lruCache(load, max) {
  const { LRUCache } = require('lru-cache')
  const cache = new LRUCache({ max, fetchMethod: load })
  return {
    get: id => cache.fetch(id),
    async getAll(ids) {
      for (const id of ids) await cache.fetch(id)
    }
  }
}

/**
 * Requires a ttl: an hour.
 * @param {Load} load
 * @param {number} max
 * @returns {CacheContender}
 */
function asyncCacheDedupe(load, max) {
  const { createCache } = require('async-cache-dedupe')
  const cache = createCache({ ttl: 3600, storage: { type: 'memory', options: { size: max } } }).define('load', load)
  return {
    get: id => cache.load(id),
    async getAll(ids) {
      for (const id of ids) await cache.load(id)
    }
  }
}

/**
 * @param {Load} load
 * @param {number} max
 * @returns {CacheContender}
 */
function memoized(load, max) {
  const memoizee = require('memoizee')
  const get = memoizee(load, { promise: true, primitive: true, length: 1, max })
  return {
    get,
    async getAll(ids) {
      for (const id of ids) await get(id)
    }
  }
}

/**
 * Returns the value itself, like the others, instead of a clone.
 * @param {Load} load
 * @param {number} max
 * @returns {CacheContender}
 */
function cacheable(load, max) {
  const { Cacheable, createKeyv } = require('cacheable')
  const cache = new Cacheable({ primary: createKeyv({ lruSize: max, useClone: false }) })
  return {
    get: id => cache.getOrSet(id, () => load(id)),
    async getAll(ids) {
      for (const id of ids) await cache.getOrSet(id, () => load(id))
    }
  }
}

/**
 * Has no bound: it is designed for a single request.
 * @param {Load} load
 * @returns {CacheContender}
 */
function dataloader(load) {
  const DataLoader = require('dataloader')
  const loader = new DataLoader((/** @type {readonly string[]} */ ids) => Promise.all(ids.map(load)))
  return {
    get: id => loader.load(id),
    async getAll(ids) {
      for (const id of ids) await loader.load(id)
    }
  }
}

/** @type {Record<string, (load: Load, max: number) => CacheContender>} */
const CACHES = {
  offloop: (load, max) => offloop(load, max, 'heap'),
  'offloop, native': (load, max) => offloop(load, max, 'native'),
  'lru-cache': lruCache,
  'async-cache-dedupe': asyncCacheDedupe,
  memoizee: memoized,
  cacheable,
  dataloader
}

/** Caches that store the objects themselves. */
const HEAP = Object.keys(CACHES).filter(name => name !== 'offloop, native')

module.exports = { CACHES, HEAP }
