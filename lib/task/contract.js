'use strict'

/**
 * Types that the modules that run tasks share.
 *
 * A pool as its tasks see it.
 * @typedef {object} TaskPool
 * @property {number} handle handle in native code
 * @property {{ name?: string | undefined, threads: number, maxQueueBytes: number, maxOutput?: number }} info
 * @property {number} tasksInFlight tasks of this environment that are in flight
 * @property {() => void} checkOpen throws if the pool is closing or closed
 * @property {() => void} taskStarted counts a task that was admitted, or waits to be
 * @property {() => void} taskEnded counts a task that native code is done with
 * @property {(bound: Bound, transform: string, bytes: number) => Error} rejectFull returns the error of a rejected task, and counts it
 * @property {object} bareTasks listener at the completion port that settles bare tasks
 * @property {(Runner: new (pool: any, options: any) => any) => any} runner returns the runner of a class, created on first use
 *
 * The call that a task belongs to.
 * @typedef {object} TaskContext
 * @property {TaskPool} pool
 * @property {number} priority
 * @property {(value: any, micros?: number) => void} resolve `micros` is the duration of the task, or the average of such tasks, if known
 * @property {(reason: unknown) => void} reject
 * @property {{ stack?: string } | undefined} caller
 * @property {() => void} [onRoom] the stream that the task serves has room for input
 * @property {boolean} [isContinuation] whether the task continues admitted work, and is accepted while the pool is closing
 *
 * A task whose input is copied for native code.
 * @typedef {object} NativeTask
 * @property {number} id
 * @property {string} transformName
 * @property {number} priority
 * @property {TaskPool} pool
 * @property {(error: unknown) => void} fail
 *
 * A task for one input of any transform.
 * @typedef {object} Runnable
 * @property {(input: unknown, reservation: Reservation) => Bound | null} submit returns the bound that is reached, in which
 *   case nothing has happened
 * @property {(input: unknown) => number} maxBytes returns the maximum bytes that a refused input needs
 * @property {(reason: unknown) => void} abort rejects immediately, and stops the work as soon as possible
 * @property {(resolve: (value: any) => void) => void} [makeBare] makes the submitted task bare: keeps only its promise
 *
 * @typedef {import('../native/binding').Bound} Bound
 * @typedef {import('../native/reservation').Reservation} Reservation
 */

module.exports = {}
