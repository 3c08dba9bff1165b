'use strict'

const { availableParallelism, cpus, loadavg, platform, release, totalmem } = require('node:os')
const { version: offloop } = require('../../package.json')
const { dependencies } = require('../package.json')

/** Describes the environment that the figures depend on. */
function machine() {
  const versions = Object.keys(dependencies).map(name => [name, versionOf(name)])
  return {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memory: totalmem(),
      system: `${platform()} ${release()} ${process.arch}`
    },
    /** @type {Record<string, string>} */
    versions: { node: process.versions.node, offloop, ...Object.fromEntries(versions) },
    load: loadavg(),
    date: new Date().toISOString()
  }
}

/** @param {string} name */
function versionOf(name) {
  /** @type {{ packages: Record<string, { version: string }> }} */
  const lock = require('../package-lock.json')
  return lock.packages[`node_modules/${name}`].version
}

module.exports = { machine }
