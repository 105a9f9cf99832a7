/**
 * Messages to another thread, those of one turn of the event loop in one: waking a thread, and being woken, cost more than
 * what most of them say.
 */
export class Outbox<Message> {
  private unsent: Message[] = [];

  constructor(private readonly post: (messages: readonly Message[]) => void) {}

  send(message: Message): void {
    if (this.unsent.push(message) === 1) setImmediate(() => this.flush());
  }

  /** Before the other side can no longer be told. */
  flush(): void {
    if (this.unsent.length === 0) return;
    const messages = this.unsent;
    this.unsent = [];
    this.post(messages);
  }
}
