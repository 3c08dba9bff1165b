'use strict'

// Runs offloop's work on the event loop outside the user's calls, within one budget per event-loop iteration.

const { now, setImmediate } = require('./clock')

/** Milliseconds of an event-loop iteration that all jobs together may use; the last step overruns. */
const BUDGET = 4
/** Milliseconds of the budget that are reserved for each lower priority that has a job. */
const RESERVE = 0.5
/** The share of its slice that a job uses in an iteration: the last step overruns, and V8 tends to collect garbage right after it. */
const SLICE_SHARE = 0.25
/** A job that holds this many bytes keeps its turn while the jobs of its priority together hold more than `MAX_HELD_BYTES`. */
const HEAVY_BYTES = 256 << 10
const MAX_HELD_BYTES = 4 << 20

/** The most urgent first. In each iteration every priority that has a job gets at least one step. */
const Priority = Object.freeze({ Settle: 0, Copy: 1, Json: 2, Notify: 3 })
/** Outcome of a step: call again, call again in the next iteration, or remove the job. */
const Step = Object.freeze({ More: 0, Idle: 1, Done: 2 })

/**
 * @typedef {object} Job
 * @property {(deadline: number, time: number) => number} step works for a fraction of a millisecond, or at most until `deadline`, and
 *   returns a `Step`. `time` is the time at its start.
 * @property {number | undefined} [slice] milliseconds that it may hold the event loop, `BUDGET` by default
 * @property {number} [heldBytes] estimated bytes that the job holds, without its result, until it is done
 */

/** Runs jobs step by step; within a priority each gets a turn, then goes behind the others. */
class LoopScheduler {
  /** @type {readonly Job[][]} by priority */
  #queues = Object.values(Priority).map(() => [])
  /** The job whose turn it is, and whether it was scheduled again during its turn. @type {Job | undefined} */
  #current
  #isRescheduled = false
  /** Milliseconds used in this iteration. */
  #used = 0
  #isRunning = false
  #isSettlingArmed = false
  #isRestArmed = false
  #iterations = 0
  #time = 0
  #longest = 0

  /**
   * Schedules a job from the next immediate phase on. Does nothing if the job is scheduled already.
   * @param {Job} job
   * @param {number} priority
   */
  schedule(job, priority) {
    const queue = this.#queues[priority]
    if (job === this.#current) this.#isRescheduled = true
    else if (!queue.includes(job)) queue.push(job)
    this.#arm()
  }

  /**
   * Runs a job now, within the remaining budget of this iteration.
   * @param {Job} job
   * @param {number} priority
   */
  start(job, priority) {
    this.schedule(job, priority)
    if (!this.#isRunning && this.#used < BUDGET) this.#run(priority, priority)
  }

  /** Returns the milliseconds that were used, over all iterations and in the longest one. */
  stats() {
    return { iterations: this.#iterations, time: this.#time, longest: this.#longest }
  }

  /** Schedules two immediates, so that callers of settled tasks continue in between; the second only if it has jobs. */
  #arm() {
    if (this.#isRunning || this.#isRestArmed) return
    if (!this.#isSettlingArmed) {
      this.#isSettlingArmed = true
      setImmediate(this.#settle)
    }
    if (this.#hasJobs(Priority.Copy)) {
      this.#isRestArmed = true
      setImmediate(this.#runRest)
    }
  }

  #settle = () => {
    this.#isSettlingArmed = false
    this.#run(Priority.Settle, Priority.Settle)
    if (!this.#isRestArmed) this.#endIteration()
  }

  #runRest = () => {
    this.#isRestArmed = false
    this.#run(Priority.Copy, Priority.Notify)
    this.#endIteration()
  }

  /** Resets the budget: the timers and poll phases share that of the immediates that follow them. */
  #endIteration() {
    this.#iterations++
    this.#time += this.#used
    if (this.#used > this.#longest) this.#longest = this.#used
    this.#used = 0
    if (this.#hasJobs(Priority.Settle)) this.#arm()
  }

  /** Returns whether a job has this priority or a lower one. @param {number} priority */
  #hasJobs(priority) {
    while (priority < this.#queues.length) if (this.#queues[priority++].length > 0) return true
    return false
  }

  /**
   * @param {number} first priority
   * @param {number} last priority
   */
  #run(first, last) {
    this.#isRunning = true
    const start = now()
    const end = start + BUDGET - this.#used
    let time = start
    for (let priority = first; priority <= last; priority++) {
      if (this.#queues[priority].length > 0) time = this.#giveTurns(priority, time, end)
    }
    this.#used += time - start
    this.#isRunning = false
  }

  /**
   * Gives each job of a priority a turn while the budget lasts. Returns the time afterwards.
   * @param {number} priority
   * @param {number} time
   * @param {number} end of the budget
   */
  #giveTurns(priority, time, end) {
    const queue = this.#queues[priority]
    let deadline = end
    for (let lower = priority + 1; lower < this.#queues.length; lower++) {
      if (this.#queues[lower].length > 0) deadline -= RESERVE
    }
    for (let turns = queue.length; turns > 0; turns--) {
      const job = queue[0]
      time = this.#giveTurn(queue, time, deadline)
      if (time >= deadline || job === queue[0]) break
    }
    return time
  }

  /**
   * Runs the first job of a queue until its turn is over, and moves it behind the others unless they hold too much.
   * @param {Job[]} queue
   * @param {number} time
   * @param {number} deadline
   */
  #giveTurn(queue, time, deadline) {
    const job = queue[0]
    const end = Math.min(deadline, time + (job.slice ?? BUDGET) * SLICE_SHARE)
    let outcome
    this.#current = job
    this.#isRescheduled = false
    do {
      outcome = runStep(job, end, time)
      time = now()
    } while (outcome === Step.More && time < end)
    this.#current = undefined
    if (outcome === Step.Done && !this.#isRescheduled) queue.shift()
    else if (queue.length > 1 && !isHeavy(queue)) queue.push(/** @type {Job} */ (queue.shift()))
    return time
  }
}

/**
 * Runs one step. A job that throws is called again in the next iteration, since only the job knows whether it is done.
 * @param {Job} job
 * @param {number} deadline
 * @param {number} time
 */
function runStep(job, deadline, time) {
  try {
    return job.step(deadline, time)
  } catch (error) {
    reportUncaught(error)
    return Step.Idle
  }
}

/** True if the first job is heavy, and all jobs together hold more than `MAX_HELD_BYTES`. @param {Job[]} queue */
function isHeavy(queue) {
  if ((queue[0].heldBytes ?? 0) < HEAVY_BYTES) return false
  return queue.reduce((sum, { heldBytes = 0 }) => sum + heldBytes, 0) > MAX_HELD_BYTES
}

/**
 * Returns a job that calls a function once, even if it throws.
 * @param {() => void} callback
 * @returns {Job}
 */
function once(callback) {
  const step = () => {
    try {
      callback()
    } catch (error) {
      reportUncaught(error)
    }
    return Step.Done
  }
  return { step }
}

/** Throws an error later, as an uncaught exception; the caller continues. @param {unknown} error */
function reportUncaught(error) {
  setImmediate(() => {
    throw error
  })
}

module.exports = { BUDGET, LoopScheduler, Priority, Step, once, reportUncaught }
