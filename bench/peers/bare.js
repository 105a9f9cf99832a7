/**
 * What bare `node:http` does with the same body on `WORKERS` processes: read it, parse it, answer the constant of
 * `ANSWER`. No framework can be faster.
 */
import cluster from 'node:cluster';
import http from 'node:http';

const workers = Number(process.env.WORKERS ?? 1);
if (workers > 1 && cluster.isPrimary) {
  for (let i = 0; i < workers; i++) cluster.fork();
  process.on('SIGTERM', () => process.exit(0));
} else {
  const answer = Buffer.from(process.env.ANSWER);
  const headers = { 'content-type': 'application/json', 'content-length': answer.length };
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      if (parts.length > 0) JSON.parse(parts.length === 1 ? parts[0].toString() : Buffer.concat(parts).toString());
      response.writeHead(200, headers);
      response.end(answer);
    });
  });
  server.keepAliveTimeout = 65_000;
  server.listen(Number(process.env.PORT), '127.0.0.1', 1024);
}
