// Access to the records of a tier. The tier applies the rules.

import type { Body, FinishRequest, Lifetime, Message, TakeReply, TakeRequest } from './rules'

/** Observes an engine. */
export interface EngineListener {
  /** The engine is connected, for the first time or again. */
  onConnected(): void
  /** Commands in flight reject, and messages may have been lost. */
  onDisconnected(reason: Error): void
  onMessage(cache: string, key: string, message: Message | { kind: 'cleared' }): void
  /** A beat has come back. All messages of earlier commands have been delivered. */
  onEcho(beat: number): void
}

/** Commands reject while the engine is disconnected. It then tries to connect again. */
export interface Engine {
  open(listener: EngineListener): void
  /** Keeps the process alive, or lets it end. */
  hold(isHeld: boolean): void
  subscribe(cache: string): Promise<unknown>
  unsubscribe(cache: string): Promise<unknown>
  /** Returns the settings of a cache, which are those of its first process. */
  agree(cache: string, settings: string): Promise<string>
  /** Sends a number to this connection's `onEcho`. Returns the time of the tier, in milliseconds. */
  beat(beat: number): Promise<number>
  take(cache: string, key: string, request: TakeRequest): Promise<TakeReply>
  store(
    cache: string,
    key: string,
    request: { token: string; body: Body; lifetime: Lifetime }
  ): Promise<'stored' | 'denied'>
  finish(cache: string, key: string, request: FinishRequest): Promise<'finished' | 'denied'>
  renew(cache: string, key: string, request: { token: string; leaseTtl: number }): Promise<'renewed' | 'denied'>
  put(
    cache: string,
    key: string,
    request: { version: string; body: Body; lifetime: Lifetime; notAfter: number }
  ): Promise<'stored' | 'late'>
  /** Returns whether a record held a value. */
  drop(cache: string, keys: readonly string[]): Promise<boolean>
  dropVersion(cache: string, key: string, request: { version: string }): Promise<boolean>
  clear(cache: string): Promise<unknown>
  close(): Promise<void>
}

/** The commands of an engine. */
export type Commands = Omit<Engine, 'open' | 'hold' | 'close'>

/** A command as a message. `key` is that of the record, `argument` what the method of the engine takes besides. */
export interface Command {
  name: keyof Commands
  cache: string
  key: string
  // biome-ignore lint/suspicious/noExplicitAny: it depends on the name
  argument: any
}
