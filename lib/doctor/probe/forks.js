'use strict'

const { siteOf } = require('./stack')

/** Maximum number of lines. */
const MAX_FORKS = 16

/** The lines that fork cluster workers, from the start of the program on. */
class Forks {
  /** @type {import('../facts').StartFact[]} */
  facts = []
  onFork = () => {}

  /** Counts a fork, if the current stack is that of one. */
  add() {
    const { frames } = siteOf(this.add)
    if (!frames.some(({ file }) => file.startsWith('node:internal/cluster/'))) return
    const user = frames.find(({ isUser }) => isUser)
    const known = this.facts.find(fact => fact.frames.some(it => it.file === user?.file && it.line === user.line))
    if (known !== undefined) {
      known.starts++
      known.concurrent++
    } else if (this.facts.length < MAX_FORKS) {
      this.facts.push({
        kind: 'process',
        what: 'cluster',
        starts: 1,
        shortLived: 0,
        concurrent: 1,
        startTime: 0,
        frames
      })
    }
    this.onFork()
  }
}

module.exports = { Forks }
