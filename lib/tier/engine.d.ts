// Access to the records of a tier. The tier applies the rules.

import type { Body, FinishRequest, Lifetime, Message, TakeReply, TakeRequest } from './rules'

/** Observes an engine. */
export interface EngineListener {
  /** Called for the first and each later connection. */
  onConnected(): void
  /** Called when commands reject and messages may be lost. */
  onDisconnected(reason: Error): void
  onMessage(cache: string, key: string, message: Message | { kind: 'cleared' }): void
  /** Called for a returned beat, after all messages of earlier commands. */
  onEcho(beat: number): void
}

/** While an engine is disconnected, it rejects commands and reconnects. */
export interface Engine {
  open(listener: EngineListener): void
  /** Sets whether the process stays alive. */
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

/** A command as a message. `key` is the key of the record; `argument` the remaining argument of the method. */
export interface Command {
  name: keyof Commands
  cache: string
  key: string
  // biome-ignore lint/suspicious/noExplicitAny: it depends on the name
  argument: any
}
