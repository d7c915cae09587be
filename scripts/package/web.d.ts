/**
 * The types of the web that those of this package name: the program's own, whether they come from the DOM library, Deno,
 * `@types/node` or `@types/bun`. Where a program compiles without any, the least of each.
 */

type Own<Name extends string, Least> = typeof globalThis extends
  Record<Name, { prototype: infer Instance }> ? Instance : Least;

interface LeastEvent {
  readonly type: string;
}

interface LeastEventTarget {
  addEventListener(type: string, listener: unknown, options?: unknown): void;
  removeEventListener(type: string, listener: unknown, options?: unknown): void;
  dispatchEvent(event: Event): boolean;
}

interface LeastAbortSignal extends LeastEventTarget {
  readonly aborted: boolean;
  // deno-lint-ignore no-explicit-any -- as everywhere else
  readonly reason: any;
  throwIfAborted(): void;
}

interface LeastURL {
  readonly href: string;
}

export type AbortSignal = Own<"AbortSignal", LeastAbortSignal>;
export type Event = Own<"Event", LeastEvent>;
export type URL = Own<"URL", LeastURL>;

// deno-lint-ignore no-explicit-any -- as everywhere else
export interface CustomEvent<T = any>
  extends Omit<Own<"CustomEvent", LeastEvent>, "detail"> {
  readonly detail: T;
}

export type EventTarget = Own<"EventTarget", LeastEventTarget>;
export declare const EventTarget: typeof globalThis extends
  { EventTarget: infer Class extends new () => EventTarget } ? Class
  : new () => LeastEventTarget;

export interface EventListenerOptions {
  capture?: boolean;
}

export interface AddEventListenerOptions extends EventListenerOptions {
  once?: boolean;
  passive?: boolean;
  signal?: AbortSignal;
}
