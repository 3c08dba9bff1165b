import fastify from 'fastify'
import { expectError, expectType } from 'tsd'
import { Cache, type CacheOptions, Pool, transforms } from '../..'
import offloop from '../../fastify'

interface User {
  name: string
}
declare const user: User

declare module '../../fastify' {
  interface Caches {
    users: Cache<string, User>
    prices: Cache<number, bigint>
  }
}

const app = fastify()
const gzip = transforms.gzip()

// All options are optional.
app.register(offloop)
app.register(offloop, {})
app.register(offloop, { pool: undefined, caches: undefined, retryAfter: undefined })
app.register(offloop, { pool: new Pool(), retryAfter: 5, prefix: '/api' })
app.register(offloop, { pool: { threads: 2, maxQueue: 8, maxWait: 100 } })
app.register(offloop, () => ({ retryAfter: 1 }))
expectError(app.register(offloop, { pool: 4 }))
expectError(app.register(offloop, { pool: { thread: 2 } }))
expectError(app.register(offloop, { retryAfter: '1' }))

// Only declared caches are accepted, as caches or as options.
app.register(offloop, { caches: { users: new Cache<string, User>({ max: 1 }) } })
app.register(offloop, { caches: { users: { max: 1, load: id => ({ name: id }) }, prices: { max: 5 } } })
expectError(app.register(offloop, { caches: { users: new Cache<number, User>({ max: 1 }) } }))
expectError(app.register(offloop, { caches: { users: { max: 1, load: () => 5 } } }))
expectError(app.register(offloop, { caches: { user: { max: 1 } } }))
expectType<CacheOptions<string, User>>({} as offloop.OptionsOf<offloop.Caches['users']>)

// Decorators of servers, contexts and replies.
expectType<Pool>(app.offloop.pool)
expectType<Cache<string, User>>(app.offloop.caches.users)
expectType<Promise<bigint>>(app.offloop.caches.prices.get(1))
expectError(app.offloop.caches.pages)
expectError(() => {
  app.offloop.pool = new Pool()
})
app.get('/', { onRequest: app.offloop.refuseWhenFull }, async (request, reply) => {
  expectType<Pool>(request.server.offloop.pool)
  expectType<AbortSignal>(reply.signal)
  expectError(() => {
    reply.signal = AbortSignal.abort()
  })
  return app.offloop.pool.run(gzip, user.name, { signal: reply.signal })
})
app.addHook('onRequest', app.offloop.refuseWhenFull)
app.setErrorHandler<offloop.RequestError>((error, _request, reply) => {
  expectType<Record<string, string> | undefined>(error.headers)
  expectType<number | undefined>(error.statusCode)
  reply.code(error.statusCode ?? 500).headers(error.headers ?? {})
})
app.post<{ Body: User; Params: { id: string } }>(
  '/:id',
  { preHandler: [app.offloop.refuseWhenFull] },
  async request => request.body.name
)
fastify({ http2: true }).register(offloop, { pool: { threads: 1 } })
