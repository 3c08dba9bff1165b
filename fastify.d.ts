/**
 * offloop in a Fastify server: a pool and caches that live as long as the server, and 503 when there is too much to do.
 *
 * @packageDocumentation
 */

import type { FastifyPluginAsync } from 'fastify'
import type { Cache, CacheOptions, Pool, PoolOptions } from './index'

declare module 'fastify' {
  interface FastifyInstance {
    /** What `offloop/fastify` was registered with, in this context or in one around it. */
    readonly offloop: offloop.Offloop
  }
  interface FastifyReply {
    /**
     * Aborts when nobody waits for the answer any more: the client is gone, `handlerTimeout` is over, or the answer was sent. Its
     * reason is an `AbortError` with `statusCode` 499. It is made when it is first asked for.
     *
     * Fastify's own `request.signal` is no substitute: it aborts as soon as a request's body has been read.
     * @example
     * app.post('/pack', (request, reply) => app.offloop.pool.run(gzip, request.body, { signal: reply.signal }))
     */
    readonly signal: AbortSignal
  }
}

/**
 * A plugin for Fastify 5. It decorates the context that registers it, and all within, with `offloop` and `reply.signal`. A context
 * within may register it again, and has a pool and caches of its own then.
 *
 * A task that was refused (ERR_OFFLOOP_QUEUE_FULL) or dropped (ERR_OFFLOOP_QUEUE_TIMEOUT) and whose error reaches Fastify, as it
 * is or as the `cause` of another, is answered with 503 and Retry-After: the error gets a `statusCode` and `headers`, if it has no
 * status yet. An error handler of your own is called with it as with any other, and decides.
 *
 * What was made of options is closed with the server, after the last answer: caches, then the pool, which finishes its tasks.
 *
 * Registering fails with a `TypeError` or `RangeError` for bad options, and with Fastify's FST_ERR_DEC_ALREADY_PRESENT if the
 * context has such a decoration already.
 *
 * @example
 * const app = require('fastify')()
 * app.register(require('offloop/fastify'), { pool: { maxQueue: 64, maxWait: 500 } })
 * app.post('/pack', (request, reply) => app.offloop.pool.run(gzip, request.body, { signal: reply.signal }))
 */
declare const offloop: FastifyPluginAsync<offloop.Options>

declare namespace offloop {
  /** One that is not known is refused. */
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
    /** Seconds that Retry-After names, a whole number from 0 to 86,400. Default 1. */
    retryAfter?: number | undefined
  }

  /** What the instance is decorated with. */
  interface Offloop {
    /** The plugin's pool. */
    readonly pool: Pool
    /** The plugin's caches, by their names. */
    readonly caches: Readonly<Caches>
    /**
     * A hook for routes that give the pool work: as `onRequest` it refuses a request with ERR_OFFLOOP_QUEUE_FULL, and so with 503,
     * before its body is read, while the pool takes no more tasks. Health checks should go without.
     * @example
     * await app.register(offloop, { pool: { maxQueue: 64 } }) // it is there from here on
     * app.post('/pack', { onRequest: app.offloop.refuseWhenFull }, pack)
     */
    readonly refuseWhenFull: (request: unknown, reply: unknown, done: (error?: Error) => void) => void
  }

  /**
   * The types of the caches, to be declared by whoever names them.
   * @example
   * declare module 'offloop/fastify' {
   *   interface Caches {
   *     users: Cache<string, User>
   *   }
   * }
   */
  // biome-ignore lint/suspicious/noEmptyInterface: declarations of others are merged with it
  interface Caches {}

  /** The options that a cache is made of. */
  type OptionsOf<C> = C extends Cache<infer K, infer V> ? CacheOptions<K, V> : never
}

export = offloop
