import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readShared } from '../../src/http/shared-reads.js';

const opened: { close?: () => void; destroy?: () => void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) (one.destroy ?? one.close)?.call(one);
});

/** A caller, and the socket on which the server has it. */
async function meet(): Promise<{ caller: Socket; socket: Socket }> {
  const server = createServer();
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const met = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const caller = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay();
  const socket = await met;
  opened.push(caller, socket);
  return { caller, socket };
}

describe('reads into one buffer', () => {
  it('share their memory, over all sockets', async () => {
    const pieces: Buffer[] = [];
    const texts: string[] = [];
    for (const text of ['one', 'two']) {
      const { caller, socket } = await meet();
      readShared(socket, (piece) => {
        pieces.push(piece);
        texts.push(piece.toString());
      });
      caller.write(text);
      await expect.poll(() => texts).toContain(text);
    }
    expect(texts).toEqual(['one', 'two']);
    expect(pieces[0]!.buffer).toBe(pieces[1]!.buffer);
    expect(pieces[0]!.toString()).toBe('two');
  });

  it('stop while the socket is paused, and tell of its end', async () => {
    const { caller, socket } = await meet();
    let text = '';
    readShared(socket, (piece) => {
      text += piece.toString();
      socket.pause();
    });
    let ended = false;
    socket.on('end', () => {
      ended = true;
    });
    caller.write('first ');
    await expect.poll(() => text).toBe('first ');
    caller.end('second');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([text, ended]).toEqual(['first ', false]);
    socket.resume();
    await expect.poll(() => text).toBe('first second');
    socket.resume();
    await expect.poll(() => ended).toBe(true);
  });

  it('become those of a stream again, each with memory of its own', async () => {
    const { caller, socket } = await meet();
    const texts: string[] = [];
    const giveBack = readShared(socket, (piece) => texts.push(piece.toString()));
    caller.write('read');
    await expect.poll(() => texts).toEqual(['read']);
    giveBack();
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    for (const [i, text] of ['streamed', 'and on'].entries()) {
      caller.write(text);
      await expect.poll(() => pieces.length).toBe(i + 1);
    }
    expect(pieces.map(String)).toEqual(['streamed', 'and on']);
    expect(texts).toEqual(['read']);
  });
});
