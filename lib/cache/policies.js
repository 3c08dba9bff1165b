'use strict'

const { LruList } = require('./lru-list')
const { S3Fifo } = require('./s3-fifo')

/**
 * Returns the order in which entries are evicted.
 * @param {import('../../index').CacheOptions<any, any>['policy']} policy
 * @param {import('./bounds').Bounds} bounds
 * @returns {LruList | S3Fifo}
 */
function createOrder(policy, bounds) {
  return policy === 's3-fifo' ? new S3Fifo(bounds) : new LruList()
}

module.exports = { createOrder }
