import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  Cache,
  type CacheGetManyOptions,
  type CacheGetOptions,
  type CacheId,
  type CacheLoadContext,
  type CacheLoader,
  type CacheManyError,
  type CacheManyLoader,
  type CacheOptions,
  type CacheStats
} from '../..'

interface User {
  name: string
}
declare const user: User

// By default ids are strings and values are unknown.
expectType<Cache<string, unknown>>(new Cache({ max: 1 }))
const users = new Cache<string, User>({ max: 1 })
const byNumber = new Cache<number, User>({ max: 1 })
expectType<Promise<User>>(byNumber.get(1, async id => ({ name: id.toFixed() })))
const byAny = new Cache<CacheId, User>({ max: 1 })
expectError(new Cache<symbol, User>({ max: 1 }))
expectError(new Cache<object, User>({ max: 1 }))
expectError(users.get(1, () => user))
expectError(byNumber.peek('1'))
byAny.set(1n, user)
byAny.set('1', user)
expectError(byAny.set(true, user))

// Both are inferred from the loader, synchronous or not.
expectType<Cache<string, User>>(new Cache({ max: 1, load: () => user }))
expectType<Cache<string, User>>(new Cache({ max: 1, load: async id => ({ name: id }) }))
expectType<Cache<string, User>>(new Cache({ max: 1, load: (_, { signal }) => (signal.aborted ? user : user) }))
expectType<Cache<string, User>>(new Cache({ max: 1, load: async (_id, context) => (context.store ? user : user) }))
expectType<Cache<number, User>>(new Cache({ max: 1, load: async (id: number) => ({ name: `${id}` }) }))
expectError(new Cache<string, User>({ max: 1, load: async () => 5 }))
expectError(new Cache<string, User>({ max: 1, load: (id: number) => ({ name: `${id}` }) }))
expectError(new Cache<string, User>({ max: 1, load: user }))

// The context describes the load and controls how the value is stored.
declare const context: CacheLoadContext<User>
expectType<AbortSignal>(context.signal)
expectType<User | undefined>(context.previous)
context.ttl = 5
context.ttl = undefined
context.store = false
expectError(() => {
  context.signal = AbortSignal.abort()
})
expectError(() => {
  context.previous = user
})
expectError(() => {
  context.store = undefined
})
expectError(() => {
  context.ttl = '5'
})
new Cache<number, User>({
  max: 1,
  load: (id, context) => {
    expectType<number>(id)
    expectAssignable<CacheLoadContext<User>>(context)
    return user
  }
})
expectAssignable<CacheLoader<string, User>>(async () => user)
expectAssignable<CacheLoader<string, User>>(
  (id: CacheId, { previous }: CacheLoadContext<User>) => previous ?? { name: `${id}` }
)
expectNotAssignable<CacheLoader<string, User>>((id: number) => ({ name: `${id}` }))

// get
expectType<Promise<User>>(users.get('1'))
expectType<Promise<User>>(users.get('1', () => user))
expectType<Promise<User>>(
  users.get('1', async (id, { signal }) => {
    expectType<string>(id)
    expectType<AbortSignal>(signal)
    return user
  })
)
expectType<Promise<User>>(users.get('1', undefined))
expectType<Promise<User>>(users.get('1', { signal: AbortSignal.timeout(1) }))
expectType<Promise<User>>(users.get('1', { signal: undefined, load: undefined }))
expectType<Promise<User>>(users.get('1', {}))
expectType<Promise<User>>(
  users.get('1', {
    load: (id, context) => {
      expectType<string>(id)
      expectType<CacheLoadContext<User>>(context)
      return user
    }
  })
)
expectAssignable<CacheGetOptions<string, User>>({ load: async () => user, signal: AbortSignal.timeout(1) })
expectError(users.get())
expectError(users.get('1', () => 5))
expectError(users.get('1', undefined, { signal: AbortSignal.timeout(1) }))
expectError(users.get('1', { signal: new AbortController() }))
expectError(users.get('1', { load: () => 5 }))
expectError(users.get('1', { ttl: 1 }))
expectError(users.get('1', AbortSignal.timeout(1)))
expectError(users.get('1', null))

// getMany: the cache's loader, or loadMany, which returns a Map or an array; only the array may contain errors.
expectType<Promise<Map<string, User>>>(users.getMany(['1', '2']))
expectType<Promise<Map<string, User>>>(users.getMany(['1'] as const))
expectType<Promise<Map<string, User>>>(users.getMany(['1'], async ids => new Map(ids.map(id => [id, user]))))
expectType<Promise<Map<string, User>>>(users.getMany(['1'], () => new Map<string, User>()))
expectType<Promise<Map<string, User>>>(users.getMany(['1'], async ids => ids.map(() => user)))
expectType<Promise<Map<string, User>>>(users.getMany(['1'], ids => ids.map(() => new Error('gone'))))
users.getMany(['1'], (ids, { signal }) => {
  expectType<string[]>(ids)
  expectType<AbortSignal>(signal)
  return []
})
expectType<Promise<Map<string, User>>>(users.getMany(['1'], { signal: AbortSignal.timeout(1) }))
expectType<Promise<Map<string, User>>>(
  users.getMany(['1'], {
    loadMany: (ids, { signal }) => {
      expectType<string[]>(ids)
      expectType<AbortSignal>(signal)
      return ids.map(() => user)
    }
  })
)
expectAssignable<CacheManyLoader<string, User>>(async () => [user])
expectAssignable<CacheGetManyOptions<string, User>>({ loadMany: undefined, signal: undefined })
expectError(users.getMany(['1'], { load: () => user }))
expectError(users.getMany(['1'], { loadMany: () => user }))
expectError(users.getMany(['1'], undefined, {}))
expectError(users.getMany('1'))
expectError(users.getMany([1]))
expectError(users.getMany(['1'], async () => user))
expectError(users.getMany(['1'], async () => [5]))
expectError(users.getMany(['1'], async () => new Map([[1, user]])))
expectError(users.getMany(['1'], async () => new Map([['1', 5]])))
expectError(users.getMany(['1'], (_: string[], context: { previous: User }) => [context.previous]))

// The error of several ids
declare const failure: CacheManyError<string, User>
expectAssignable<AggregateError>(failure)
expectType<string[]>(failure.ids)
expectType<Map<string, User>>(failure.results)
expectError<CacheManyError<string, User>>(new AggregateError([]))

// Entries
expectType<User | undefined>(users.peek('1'))
expectType<boolean>(users.has('1'))
expectType<void>(users.set('1', user))
expectType<void>(users.set('1', user, { ttl: 5 }))
expectType<void>(users.set('1', user, { ttl: undefined }))
expectType<boolean>(users.delete('1'))
expectType<void>(users.clear())
expectType<Promise<User>>(users.refresh('1'))
expectType<IterableIterator<[string, User]>>(users.entries())
expectType<IterableIterator<string>>(users.keys())
expectType<IterableIterator<User>>(users.values())
expectType<void>(
  users.forEach((value, id, cache) => {
    expectType<User>(value)
    expectType<string>(id)
    expectType<Cache<string, User>>(cache)
  })
)
users.forEach(() => {}, users)
expectError(users.forEach())
expectError(users.forEach((_: string) => {}))
expectType<Promise<User>>(users.refresh('1', { load: () => user, signal: AbortSignal.timeout(1) }))
expectError(users.refresh('1', { ttl: 1 }))
for (const entry of users) expectType<[string, User]>(entry)
expectType<Map<string, User>>(new Map(users))
expectError(users.set('1'))
expectError(users.set('1', 5))
expectError(users.set('1', user, 5))
expectError(users.set('1', user, { ttl: '5' }))
expectError(users.set('1', user, { maxAge: 5 }))
expectError(users.refresh('1', () => user))

// Bounds and counters
expectType<number>(users.size)
expectType<number>(users.bytes)
expectError(() => {
  users.size = 0
})
expectType<void>(users.resize({ max: 5, maxBytes: undefined }))
expectError(users.resize())
expectError(users.resize({ ttl: 5 }))
expectType<CacheStats>(users.stats())
expectType<number>(users.stats().evictions.size)
expectType<number>(users.stats().loadTime.p99)

// Closing
expectType<void>(users.close())
expectType<void>(users[Symbol.dispose]())
expectAssignable<Disposable>(users)
expectNotAssignable<AsyncDisposable>(users)

// Every option may be omitted or undefined, so that options can be passed on.
expectAssignable<CacheOptions<string, User>>({})
expectAssignable<CacheOptions<string, User>>({
  max: undefined,
  maxBytes: undefined,
  weigh: undefined,
  ttl: undefined,
  jitter: undefined,
  refreshAfter: undefined,
  staleWhileRevalidate: undefined,
  staleIfError: undefined,
  errorTtl: undefined,
  loadTimeout: undefined,
  load: undefined,
  storage: undefined,
  codec: undefined,
  name: undefined,
  onEvict: undefined
})
expectAssignable<CacheOptions<string, User>>({
  max: 1,
  maxBytes: 1,
  weigh: ({ name }, id) => name.length + id.length,
  ttl: 1,
  jitter: 0,
  refreshAfter: 1,
  staleWhileRevalidate: 1,
  staleIfError: 1,
  errorTtl: 1,
  loadTimeout: 1,
  load: () => user,
  storage: 'native',
  codec: 'v8',
  name: 'users',
  onEvict: (id, value, reason) => {
    expectType<string>(id)
    expectType<User>(value)
    expectType<'size' | 'ttl' | 'replaced' | 'deleted'>(reason)
  }
})
expectError(new Cache())
expectError(new Cache({ max: '1' }))
expectError(new Cache({ max: 1, tll: 5 }))
expectError(new Cache({ max: 1, storage: 'disk' }))
expectType<Cache<string, unknown>>(new Cache({ max: 1, policy: 's3-fifo' }))
expectAssignable<CacheOptions<string, User>['policy']>('lru')
expectError(new Cache({ max: 1, policy: 'lfu' }))
expectError(new Cache<string, User>({ max: 1, weigh: () => '5' }))
expectError(new Cache<string, User>({ max: 1, onEvict: (_id: number) => {} }))

// Codecs: a name, or an object with encode and decode.
new Cache<string, User>({
  max: 1,
  storage: 'native',
  codec: {
    encode(value) {
      expectType<User>(value)
      return Buffer.from(value.name)
    },
    decode(bytes) {
      expectType<Buffer>(bytes)
      return { name: bytes.toString() }
    }
  }
})
expectType<Cache<string, User>>(
  new Cache({
    max: 1,
    storage: 'native',
    codec: { encode: (value: User) => new TextEncoder().encode(value.name), decode: () => user }
  })
)
expectError(new Cache({ max: 1, storage: 'native', codec: 'msgpack' }))
expectError(new Cache<string, User>({ max: 1, codec: { encode: (value: User) => Buffer.from(value.name) } }))
expectError(new Cache<string, User>({ max: 1, codec: { encode: (value: User) => value.name, decode: () => user } }))
expectError(new Cache<string, User>({ max: 1, codec: { encode: () => Buffer.alloc(1), decode: () => 5 } }))
