/**
 * A client of the shock app: makes a user, logs in, posts a synthetic ward, and prints the state of each patient.
 *
 *     npm start                                              # in one terminal
 *     node --import tsx examples/shock/client.ts             # in another
 *     node --import tsx examples/shock/client.ts --url http://127.0.0.1:8000 --patients 30 --seed 5     # with --only shock
 */
import { parseArgs } from 'node:util';
import { generateWard, states } from './ward.js';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000/shock' },
    username: { type: 'string', default: 'ward-client' },
    password: { type: 'string', default: 'a long and synthetic password' },
    patients: { type: 'string', default: '12' },
    seed: { type: 'string', default: '1' },
  },
});

interface Prediction {
  idAtencion: number;
  inferences: Record<string, number>;
  State: string;
}

type Answer = Prediction | { idAtencion: number; error: { msg: string } };

async function post(path: string, body: unknown, token?: string): Promise<Response> {
  return fetch(values.url.replace(/\/$/, '') + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
}

/** The body of an answer; stops with what the server said when it is not the one hoped for. */
async function expectStatus(response: Response, ...hoped: number[]): Promise<unknown> {
  const text = await response.text();
  if (!hoped.includes(response.status)) throw new Error(`${response.url} answered ${response.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

const user = { username: values.username, password: values.password };
await expectStatus(await post('/auth/create_user', user), 201, 409);
const { access_token: token } = (await expectStatus(await post('/auth/token', user), 200)) as { access_token: string };

const ward = generateWard({ patients: Number(values.patients), seed: Number(values.seed) });
const started = performance.now();
const answers = (await expectStatus(
  await post(
    '/predict',
    ward.map((patient) => patient.body),
    token,
  ),
  200,
)) as Answer[];
const elapsed = performance.now() - started;

console.log(['patient', ...states, 'state', 'heading to'].map((title) => title.padEnd(19)).join(' '));
let right = 0;
for (const [index, answer] of answers.entries()) {
  const truth = ward[index]!.state;
  if ('error' in answer) {
    console.log(`${String(answer.idAtencion).padEnd(19)} ${answer.error.msg}`);
    continue;
  }
  if (answer.State === truth) right++;
  const shares = states.map((state) => `${(100 * (answer.inferences[state] ?? 0)).toFixed(1)} %`);
  console.log([answer.idAtencion, ...shares, answer.State, truth].map((cell) => String(cell).padEnd(19)).join(' '));
}
console.log(`${right} of ${ward.length} as the ward was made, in ${elapsed.toFixed(0)} ms`);
