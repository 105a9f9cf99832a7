export type { AnswerFormat, AnswerKind } from './answers.js';
export { addEvents, eventId, type NamedEvent, purgeEvents } from './event-ledger.js';
export { EventReaders, type EventReadersOptions, type UsageAnswer } from './event-readers.js';
export { readInstant } from './instants.js';
export type { StoreOptions } from './messages.js';
export { readEvent } from './read-event.js';
