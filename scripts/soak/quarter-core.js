'use strict'

// Control groups that have a quarter of a core.

const { mkdirSync, rmdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const GROUPS = [
  // Version 1 and version 2 of control groups.
  { root: '/sys/fs/cgroup/cpu', file: 'cpu.cfs_quota_us', quota: '25000' },
  { root: '/sys/fs/cgroup', file: 'cpu.max', quota: '25000 100000' }
]

let made = 0

class QuarterCore {
  /** Path of the file that takes the ids of processes. */
  processes
  #folder

  /** @param {string} folder */
  constructor(folder) {
    this.#folder = folder
    this.processes = join(folder, 'cgroup.procs')
  }

  /** Makes a group, or returns `undefined` if this process may not make groups. */
  static make() {
    for (const { root, file, quota } of GROUPS) {
      const folder = join(root, `offloop-${process.pid}-${made++}`)
      try {
        mkdirSync(folder)
        writeFileSync(join(folder, file), quota)
        return new QuarterCore(folder)
      } catch {
        // This version is absent, or its groups may not be changed.
      }
    }
    return undefined
  }

  /** Removes the group, whose processes have ended. */
  remove() {
    rmdirSync(this.#folder)
  }
}

module.exports = { QuarterCore }
