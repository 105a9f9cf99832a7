/** Servers whose images and packages are meant to harm, and a look at what they do to a process. */
import { crc32, deflateSync } from 'node:zlib';
import { makeZip } from '../formats/zip-writer.js';
import { type ArtworkHouse, residentMb } from './artwork-house.js';
import { type Listening, listen } from './artwork-world.js';

/** The chunks of a PNG file that says it has 60,000 × 60,000 pixels. */
function pixelBomb(): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(60_000, 0);
  header.writeUInt32BE(60_000, 4);
  header.writeUInt8(8, 8);
  const pixels = deflateSync(Buffer.alloc(1_000_000));
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

const tenGigabytes = 10 * 2 ** 30;

/** Files that are meant to harm whoever fetches them; `/redirect.png` leads to `elsewhere()`. */
export function hostileServer(elsewhere: () => string): Promise<Listening> {
  const bomb = makeZip([{ name: 'bomb.png', data: Buffer.alloc(60 * 2 ** 20), deflate: true }]);
  const endless = Buffer.alloc(2 ** 16);
  return listen((request, response) => {
    const path = request.url!;
    if (path === '/bomb.zip') response.end(bomb);
    else if (path === '/pixels.png') response.end(pixelBomb());
    else if (path === '/broken.png') response.end('no image at all');
    else if (path === '/declared.png') response.writeHead(200, { 'content-length': tenGigabytes }).write(endless);
    else if (path === '/redirect.png') response.writeHead(302, { location: elsewhere() }).end();
    else if (path === '/undeclared.png') {
      const more = () => {
        while (!response.destroyed && response.write(endless));
      };
      response.on('drain', more);
      more();
    } else response.writeHead(404).end();
  });
}

/** A byte a second, without end. */
export const slowServer = () =>
  listen((_request, response) => {
    const timer = setInterval(() => response.write('.'), 1_000);
    response.once('close', () => clearInterval(timer));
  });

/** Ends with the call, which gives by how many MB a process that does jobs had grown at most. */
export function watchMemory({ workingPids }: ArtworkHouse): () => number {
  const before = workingPids.map(residentMb);
  let most = 0;
  const look = () => {
    for (const [i, pid] of workingPids.entries()) most = Math.max(most, residentMb(pid) - before[i]!);
  };
  // A test that failed has not ended it, and its processes are gone.
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      clearInterval(timer);
    }
  }, 100);
  return () => {
    clearInterval(timer);
    look();
    return most;
  };
}
