import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQueueUrl, queueLocationOf } from '../src/queue-url.js';

describe('parseQueueUrl', () => {
  it('reads what an AMQP client would, defaults included', () => {
    expect(parseQueueUrl('amqp://ana:p%40ss%2F@mq.example:6432/jobs%2Fone')).toEqual({
      tls: false,
      host: 'mq.example',
      port: 6432,
      user: 'ana',
      password: 'p@ss/',
      vhost: 'jobs/one',
    });
    const usual = { tls: false, port: 5672, user: 'guest', password: 'guest', vhost: '/' };
    expect(parseQueueUrl('amqp://mq')).toMatchObject(usual);
    expect(parseQueueUrl('amqp://mq/')).toMatchObject(usual);
    expect(parseQueueUrl('amqp://mq/%2F')).toMatchObject(usual);
    expect(parseQueueUrl('amqp://ana@[::1]')).toMatchObject({ host: '::1', user: 'ana', password: '' });
    expect(parseQueueUrl('amqps://mq?cacertfile=/ca.pem&certfile=/a.pem&keyfile=/a.key')).toMatchObject({
      tls: true,
      port: 5671,
      caCertFile: '/ca.pem',
      certFile: '/a.pem',
      keyFile: '/a.key',
    });
  });

  it.each([
    '',
    'localhost:5672',
    'http://mq',
    'amqp:mq',
    'amqp://',
    'amqp:///jobs',
    'amqp://ana:pa#ss@mq',
    'amqp://ana:pa/ss@mq',
    'amqp://ana:50%@mq',
    'amqp://mq:port',
    'amqp://mq/one/two',
    'amqp://one,two:1,three/',
    'amqp://mq?heartbeat=0',
    'amqp://mq?cacertfile=/ca.pem',
    'amqps://mq?certfile=/a.pem',
    'amqps://mq?cacertfile=/a&cacertfile=/b',
  ])('refuses %j', (text) => {
    expect(parseQueueUrl(text)).toBeUndefined();
  });

  it('gives back every user, password and virtual host that was percent-encoded, and never shows the password', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => !/\p{Cs}/u.test(text));
    const secret = fc.stringMatching(/^[!-~]{12,20}$/);
    fc.assert(
      fc.property(name, secret, name, (user, password, vhost) => {
        const text = `amqp://${[user, password].map(encodeURIComponent).join(':')}@mq/${encodeURIComponent(vhost)}`;
        // A URL has no way to say the folder that one is in, or the one above.
        fc.pre(!['.', '..'].includes(vhost));
        const url = parseQueueUrl(text);
        expect(url).toMatchObject({ user, password, vhost });
        const location = queueLocationOf(url!);
        expect(location.includes(password) || location.includes(encodeURIComponent(password))).toBe(
          // Somebody may call the virtual host like the password.
          [user, vhost].some((open) => open.includes(password)),
        );
      }),
    );
  });
});

describe('queueLocationOf', () => {
  it.each([
    ['amqp://ana:s@mq/jobs', 'amqp://ana@mq:5672/jobs'],
    ['amqps://ana:s@mq?cacertfile=/ca.pem', 'amqps://ana@mq:5671/'],
    ['amqp://[::1]/a%2Fb', 'amqp://guest@[::1]:5672/a%2Fb'],
  ])('%s is %s', (url, location) => {
    expect(queueLocationOf(parseQueueUrl(url)!)).toBe(location);
  });
});
