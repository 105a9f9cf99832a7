import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type Door, PlainConnection } from './plain-connection.js';
import { ResponseHeads } from './response-head.js';

/**
 * Reads requests of the plainest form ahead of Node's parser, for a `server` that has just been made. Such a request
 * costs half of what it costs otherwise; all others, and the connections that they come on, are Node's from then on.
 *
 * @param usual headers that every answer has which does not say otherwise, by name in lower case
 * @param lookMs milliseconds between two looks at who is idle
 */
export function openPlainDoor(server: Server, usual: Readonly<Record<string, string>>, lookMs = 5_000): void {
  const [nodes, ...others] = server.listeners('connection') as ((socket: Socket) => void)[];
  if (nodes === undefined || others.length > 0) throw new Error('The server has other listeners than that of Node');
  const connections = new Set<PlainConnection>();
  const door: Door = {
    server,
    heads: new ResponseHeads(usual),
    handOver(connection, unread) {
      const { socket } = connection;
      connection.release();
      connections.delete(connection);
      const pieces = unread === undefined ? [] : [unread];
      // The stream is left waiting for what it has asked for, as that of a new connection: it would ask again otherwise,
      // and start to read when Node's parser has stopped that and can take nothing.
      for (let piece = socket.read(); piece !== null; piece = socket.read()) pieces.push(piece);
      if (socket.isPaused()) socket.resume();
      nodes.call(server, socket);
      if (pieces.length > 0) socket.emit('data', Buffer.concat(pieces));
    },
    forget: (connection) => connections.delete(connection),
  };
  server.off('connection', nodes);
  server.on('connection', (socket: Socket) => connections.add(new PlainConnection(socket, door)));

  const look = () => {
    for (const connection of connections) {
      if (connection.busy) continue;
      connection.idle++;
      // Node knows how long a first request may take.
      if (!connection.asked) door.handOver(connection, undefined);
      else if (server.keepAliveTimeout > 0 && connection.idle * lookMs > server.keepAliveTimeout) connection.destroy();
    }
  };
  const timer = setInterval(look, lookMs).unref();
  server.once('close', () => clearInterval(timer));

  const { closeIdleConnections, closeAllConnections } = server;
  server.closeIdleConnections = () => {
    for (const connection of connections) if (!connection.busy) connection.destroy();
    closeIdleConnections.call(server);
  };
  server.closeAllConnections = () => {
    for (const connection of connections) connection.destroy();
    closeAllConnections.call(server);
  };
}
