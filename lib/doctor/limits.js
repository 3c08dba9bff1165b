'use strict'

// Reads the limits of the control group of this process, which a program that it starts inherits.

const { readFileSync } = require('node:fs')
const { dirname, join } = require('node:path')

/** Value from which version 1 reports the absence of a limit, in bytes. */
const UNLIMITED = 2 ** 53

/** @returns {{ quota?: number, memoryLimit?: number }} */
function cgroupLimits() {
  const groups =
    read('/proc/self/cgroup')
      ?.trim()
      .split('\n')
      .map(line => line.split(':')) ?? []
  const quotas = groups.flatMap(([, controllers, path]) => limits(controllers, path, 'cpu', quotaOf))
  const memory = groups.flatMap(([, controllers, path]) => limits(controllers, path, 'memory', memoryOf))
  return {
    ...(quotas.length === 0 ? {} : { quota: Math.min(...quotas) }),
    ...(memory.length === 0 ? {} : { memoryLimit: Math.min(...memory) })
  }
}

/**
 * Returns the limits of a group and of the groups that contain it.
 * @param {string} controllers of version 1; empty for version 2
 * @param {string} path
 * @param {'cpu' | 'memory'} controller
 * @param {(folder: string) => number | undefined} limitOf
 */
function limits(controllers, path, controller, limitOf) {
  const names = controllers.split(',')
  if (controllers !== '' && !names.includes(controller)) return []
  const root = controllers === '' ? '/sys/fs/cgroup' : join('/sys/fs/cgroup', controller)
  const found = []
  for (let group = path; ; group = dirname(group)) {
    found.push(limitOf(join(root, group)))
    if (group === '/' || group === '.') return found.filter(limit => limit !== undefined)
  }
}

/** @param {string} folder */
function quotaOf(folder) {
  const [quota, period] = read(join(folder, 'cpu.max'))?.split(/\s/).map(Number) ?? [
    Number(read(join(folder, 'cpu.cfs_quota_us'))),
    Number(read(join(folder, 'cpu.cfs_period_us')))
  ]
  return quota > 0 && period > 0 ? quota / period : undefined
}

/** @param {string} folder */
function memoryOf(folder) {
  const bytes = Number(read(join(folder, 'memory.max')) ?? read(join(folder, 'memory.limit_in_bytes')))
  return bytes > 0 && bytes < UNLIMITED ? bytes : undefined
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

module.exports = { cgroupLimits }
