'use strict'

const { checkInteger, checkOptions, invalidType } = require('../../internal/validate')
const { compressorOf } = require('../compressor')
const { TIER_OPTIONS, readTierOptions } = require('../options')
const { Tier } = require('../tier')
const { hostEngine } = require('./engine')
const { addressOf } = require('./address')

const OPTIONS = ['path', 'maxBytes', 'compress', ...TIER_OPTIONS]
/** Default size of all records, in bytes. */
const MAX_BYTES = 64 << 20

/** @param {import('../../../host').HostTierOptions} [options] */
function hostTier(options = {}) {
  checkOptions(options, OPTIONS)
  const { path, maxBytes = MAX_BYTES } = options
  if (path !== undefined && typeof path !== 'string')
    throw invalidType('The "options.path" property', 'of type string', path)
  checkInteger('options.maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER)
  const settings = readTierOptions(options)
  const compressor = compressorOf(options.compress, settings.maxValueBytes)
  const address = addressOf(path)
  return new Tier(() => hostEngine(address, maxBytes), { ...settings, space: address.directory, compressor })
}

module.exports = { hostTier }
