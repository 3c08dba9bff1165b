/**
 * offloop in a Fastify server: a pool and caches that live as long as the server, and 503 under overload.
 *
 * @packageDocumentation
 */

import type { FastifyError, FastifyPluginAsync } from 'fastify'
import type { Cache, CacheOptions, Pool, PoolOptions } from './index'
import type { WatchOptions } from './watch'

declare module 'fastify' {
  interface FastifyInstance {
    /** Pool and caches of the nearest `offloop/fastify` registration, in this context or one around it. */
    readonly offloop: offloop.Offloop
  }
  interface FastifyReply {
    /**
     * `signalOf(reply.raw)`, which aborts if the client disconnects before the response has been sent, and when `handlerTimeout`
     * expires. Its reason is an `AbortError` with `statusCode` 499. The signal is created on first access.
     *
     * Do not use Fastify's own `request.signal` instead: it aborts as soon as a request's body has been read.
     * @example
     * app.post('/pack', (request, reply) => app.offloop.pool.run(gzip, request.body, { signal: reply.signal }))
     */
    readonly signal: AbortSignal
  }
}

/**
 * A plugin for Fastify 5. It decorates the context that registers it, and all inner contexts, with `offloop` and `reply.signal`.
 * An inner context may register it again, and then has a separate pool and caches.
 *
 * A rejected task (ERR_OFFLOOP_QUEUE_FULL) or a dropped one (ERR_OFFLOOP_QUEUE_TIMEOUT) whose error reaches Fastify, directly or
 * as the `cause` of another, is answered with 503 and Retry-After: the error gets a `statusCode` and `headers` unless it has
 * another status. Your own error handler receives it like any other error ({@link offloop.RequestError}).
 *
 * A pool and caches made from options are closed with the server, after the last response: first the caches, then the pool, which
 * finishes its tasks.
 *
 * Registering fails with a `TypeError` or `RangeError` for bad options, and with Fastify's FST_ERR_DEC_ALREADY_PRESENT if the
 * context already has such a decoration.
 *
 * @example
 * const app = require('fastify')()
 * app.register(require('offloop/fastify'), { pool: { maxQueue: 64, maxWait: 500 } })
 * app.post('/pack', (request, reply) => app.offloop.pool.run(gzip, request.body, { signal: reply.signal }))
 */
declare const offloop: FastifyPluginAsync<offloop.Options>

declare namespace offloop {
  /** Options of the plugin. Unknown options are rejected. */
  interface Options {
    /**
     * A pool, which stays open when the server closes, or the options of one that is made for the server and closed with it.
     * Default: the process-wide `pool`, which stays open.
     */
    pool?: Pool | PoolOptions | undefined
    /**
     * Caches by name, which stay open, or the options of caches that are made for the server and closed with it. TypeScript knows
     * the names that {@link Caches} declares. Default: none.
     */
    caches?: { readonly [Name in keyof Caches]?: Caches[Name] | OptionsOf<Caches[Name]> } | undefined
    /** Value of Retry-After in seconds, an integer from 0 to 86,400. Default 1. */
    retryAfter?: number | undefined
    /**
     * Watches the event loop until the server closes, with these options of `watch` in `offloop/watch`, or its defaults if `true`.
     * Blocks are published on the channel `offloop:block` and passed to `onBlock`. Default: false.
     */
    watch?: boolean | WatchOptions | undefined
  }

  /** Decoration of the instance. */
  interface Offloop {
    /** The plugin's pool. */
    readonly pool: Pool
    /** The plugin's caches, by name. */
    readonly caches: Readonly<Caches>
    /**
     * An `onRequest` hook for routes that use the pool: while the pool is full, it rejects a request with ERR_OFFLOOP_QUEUE_FULL,
     * and so with 503, before the body is read. Do not use it for health checks.
     * @example
     * await app.register(offloop, { pool: { maxQueue: 64 } }) // app.offloop exists from here on
     * app.post('/pack', { onRequest: app.offloop.refuseWhenFull }, pack)
     */
    readonly refuseWhenFull: (request: unknown, reply: unknown, done: (error?: Error) => void) => void
  }

  /**
   * An error as an error handler receives it.
   * @example
   * app.setErrorHandler<offloop.RequestError>((error, request, reply) => {
   *   reply.code(error.statusCode ?? 500).headers(error.headers ?? {}).send({ message: error.message })
   * })
   */
  interface RequestError extends FastifyError {
    /** Headers for the response: the plugin adds `retry-after`, in seconds, to an overload with status 503. */
    headers?: Record<string, string>
  }

  /**
   * Types of the caches, to be declared by the application.
   * @example
   * declare module 'offloop/fastify' {
   *   interface Caches {
   *     users: Cache<string, User>
   *   }
   * }
   */
  // biome-ignore lint/suspicious/noEmptyInterface: applications merge their declarations into it
  interface Caches {}

  /** Options of a cache type. */
  type OptionsOf<C> = C extends Cache<infer K, infer V> ? CacheOptions<K, V> : never
}

export = offloop
