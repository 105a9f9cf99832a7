import { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest, RequestPayload } from 'fastify';
import { VitrinaError } from '../errors.js';
import { letArriveSlowly } from '../plugins/slow-body.js';
import { BodySource, inflateBody, readEncoding } from '../services/bodies/body-source.js';
import {
  type BodyFormat,
  type ContentType,
  chooseAnswer,
  mediaTypes,
  readContentType,
  tableTypes,
  textTypes,
  unknownType,
} from '../services/bodies/media-types.js';
import { answerTable, type TableSettings, writerOf } from '../services/bodies/serve-table.js';
import { answerWith, callerOf } from '../services/platform.js';
import { checkAnswerSize } from '../services/predictions/answer-size.js';
import { type Form, readBody, writeAnswer } from '../services/predictions/prediction-json.js';
import type { Prediction, PredictionService } from '../services/predictions/prediction-service.js';
import type { ReadyVersion } from '../services/repository/ready-version.js';

type Route = { Params: { name: string; version?: string } };
type PredictRequest = FastifyRequest<Route>;

export interface PredictionRoutesOptions {
  readonly predictions: PredictionService;
  readonly tables: TableSettings;
}

/** A table that has not been read yet. */
class TableBody {
  constructor(
    readonly raw: RequestPayload,
    readonly content: ContentType,
  ) {}
}

/**
 * `POST /models/{name}[/versions/{v}]/predict`. The bodies are checked against the signature of the version that
 * answers, not by a schema fixed at start: `/openapi.json` shows each model's own types.
 *
 * JSON is read whole. Tables (CSV, NDJSON, Arrow) are read, computed and answered while they arrive.
 */
export async function predictionRoutes(
  app: FastifyInstance,
  { predictions, tables }: PredictionRoutesOptions,
): Promise<void> {
  app.addContentTypeParser([...tableTypes.keys()], (request, payload, done) => {
    try {
      done(null, new TableBody(payload, readContentType(request.headers['content-type']!)));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addContentTypeParser('*', (request, _payload, done) => done(unknownType(request.headers['content-type'] ?? '')));

  const handler = (request: PredictRequest, reply: FastifyReply) =>
    request.body instanceof TableBody
      ? predictTable(request, reply, request.body)
      : predictWhole(request, reply, request.body);

  const predictWhole = (request: PredictRequest, reply: FastifyReply, body: unknown): void => {
    const { name: model, version } = request.params;
    const { accept } = request.headers;
    const format = accept === undefined || accept === '*/*' ? 'json' : chooseAnswer(accept, 'json');
    const write = (form: Form, prediction: Prediction) => {
      reply.header('x-model-version', prediction.version.version);
      if (!format.startsWith('arrow')) checkAnswerSize(Object.values(prediction.outputs), request.route.bodyLimit);
      if (format === 'json') reply.type(textTypes.json).send(JSON.stringify(writeAnswer(form, prediction)));
      else {
        const writer = writerOf(format);
        send(reply, format, Buffer.concat([writer.rows(prediction), writer.end()]));
      }
    };
    const ask = (ready: ReadyVersion) => {
      const { form, inputs } = readBody(ready.signature, body);
      const asked = { model, version, ready, inputs, caller: callerOf(request), id: request.id };
      answerWith(reply, predictions.predict(asked), (prediction) => write(form, prediction));
    };
    const selected = predictions.select(model, version, request.headers);
    if (selected instanceof Promise) selected.then(ask).catch((error: unknown) => void reply.send(error));
    else ask(selected);
  };

  const predictTable = async (request: PredictRequest, reply: FastifyReply, { raw, content }: TableBody) => {
    const { name: model, version } = request.params;
    const format = chooseAnswer(request.headers.accept, content.format);
    const encoding = readEncoding(request.headers['content-encoding']);
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > tables.streamBytes)
      throw new VitrinaError('stream-too-large', { limit: tables.streamBytes, setting: 'stream-limit' });
    const ready: ReadyVersion = await predictions.select(model, version, request.headers);
    letArriveSlowly(request.raw);
    cutWhenIdle(request.raw.socket);
    const source = new BodySource(raw, encoding, tables.streamBytes);
    const caller = callerOf(request);
    caller.held = [];
    const asked = { model, version, ready, caller, id: request.id };
    let answer: Awaited<ReturnType<typeof answerTable>>;
    try {
      answer = await answerTable(source, content, format, asked, predictions, tables);
    } catch (error) {
      // Of a table that gets no answer, no row counts.
      for (const units of caller.held) await units.giveBack();
      throw error;
    }
    const settle = () => Promise.all(caller.held!.map((units) => units.settle()));
    if (answer.whole !== undefined) await settle();
    else answer.readable.once('close', () => void settle());
    reply.header('x-model-version', ready.version);
    return send(reply, format, answer.whole ?? answer.readable);
  };

  const options = {
    config: { scopes: ['predict'] as const, numbers: true },
    schema: { hide: true },
    preParsing: inflateJson,
  };
  app.post<Route>('/models/:name/predict', options, handler);
  app.post<Route>('/models/:name/versions/:version/predict', options, handler);
}

/** A caller that neither sends nor reads for a minute is gone. */
function cutWhenIdle(socket: Socket): void {
  // An injected request has no connection.
  if (socket instanceof Socket) socket.setTimeout(60_000);
}

function send(reply: FastifyReply, format: BodyFormat, answer: Uint8Array | NodeJS.ReadableStream): FastifyReply {
  return reply.type(format === 'csv' ? 'text/csv; charset=utf-8; header=present' : mediaTypes[format]).send(answer);
}

/** A JSON body that says how it is compressed is inflated, no further than the limit of bodies; tables do it themselves. */
function inflateJson(
  request: FastifyRequest,
  _reply: FastifyReply,
  payload: RequestPayload,
  done: (error: Error | null, payload?: RequestPayload) => void,
): void {
  const header = request.headers['content-encoding'];
  if (header === undefined) {
    done(null, payload);
    return;
  }
  try {
    const encoding = readEncoding(header);
    const type = request.headers['content-type'] ?? '';
    if (encoding === undefined || !type.toLowerCase().startsWith(mediaTypes.json)) {
      done(null, payload);
      return;
    }
    const inflated: RequestPayload = inflateBody(request.raw, encoding);
    // The rest of what is refused is read and dropped: a sender reads the answer when it has sent everything.
    inflated.once('close', () => request.raw.resume());
    Object.defineProperty(inflated, 'receivedEncodedLength', {
      get: () => Number(request.headers['content-length'] ?? 0),
    });
    done(null, inflated);
  } catch (error) {
    done(error as Error);
  }
}
