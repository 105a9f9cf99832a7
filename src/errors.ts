/**
 * The one catalogue of errors.
 *
 * Each entry has a code (stable, kebab-case, what clients may match), an HTTP status and a text that names the
 * offending value, what was expected and the next step. The platform's routes render an error as
 * `application/problem+json`, the Open Inference Protocol as `{"error"}`, the bundled apps as `{"detail"}`; the
 * command line prints the text. `docs/errors.md` is generated from this file.
 */
interface Entry<F> {
  readonly status: number;
  readonly text: (fields: F) => string;
}

/** One fault of a request: where it is, and what it is. */
export interface Problem {
  /** A path into the body, `inputs.x[0][3]`, or the name of a parameter. */
  readonly path: string;
  readonly message: string;
}

const known = (names: readonly string[], what: string) =>
  names.length === 0 ? `there are no ${what} yet` : `the ${what} are ${names.slice(0, 20).join(', ')}`;

const entry = <F = Record<never, never>>(status: number, text: (fields: F) => string): Entry<F> => ({ status, text });

export const catalogue = {
  // --- artefacts: formats/ ------------------------------------------------------------------------------------------
  'artefact-unrecognised': entry<{ file: string; found: string }>(
    422,
    (f) =>
      `${f.file}: ${f.found}. Vitrina reads .h5, .keras, .onnx, pickle and joblib files, and the model files of XGBoost and LightGBM; save the whole model in one of these.`,
  ),
  'artefact-malformed': entry<{ format: string; what: string; offset?: number }>(
    422,
    (f) =>
      `The ${f.format} data is damaged: ${f.what}${f.offset === undefined ? '' : ` (byte ${f.offset})`}. Save the file again, or copy it in binary mode.`,
  ),
  'artefact-over-limit': entry<{ format: string; what: string; value: number; limit: number; setting: string }>(
    422,
    (f) =>
      `The ${f.format} data has ${f.what} of ${f.value}, over the limit of ${f.limit}; raise the limit ${f.setting} if you trust the file.`,
  ),
  'artefact-unsupported': entry<{ format: string; what: string; next: string }>(
    422,
    (f) => `The ${f.format} data uses ${f.what}, which Vitrina does not read; ${f.next}.`,
  ),
  'artefact-unsafe': entry<{ format: string; what: string; next: string }>(
    422,
    (f) =>
      `The ${f.format} data uses ${f.what}, which reaches outside of the file or runs code of its own when it is loaded; nothing of it was executed; ${f.next}.`,
  ),
  'scan-exceeded': entry<{ file: string; what: string; limit: string }>(
    422,
    (f) =>
      `${f.file}: reading it took more ${f.what} than ${f.limit}, which no sound file of its size does; do not load it.`,
  ),
  'pickle-global-refused': entry<{ global: string; others: readonly string[] }>(
    422,
    (f) =>
      `The pickle refers to ${f.global}${f.others.length === 0 ? '' : ` (and to ${f.others.join(', ')})`}, which is not among the names that Vitrina reads as data; nothing in the file was executed. Save an estimator made of scikit-learn's own classes, without functions or classes of your own.`,
  ),
  // --- conversion: convert/ -----------------------------------------------------------------------------------------
  'layer-unsupported': entry<{ layer: string; className: string; why: string }>(
    422,
    (f) => `Layer "${f.layer}" (${f.className}) cannot be converted: ${f.why}.`,
  ),
  'estimator-unsupported': entry<{ estimator: string; why: string }>(
    422,
    (f) => `The estimator ${f.estimator} cannot be converted: ${f.why}.`,
  ),
  'model-unsupported': entry<{ what: string; next: string }>(422, (f) => `${f.what}; ${f.next}.`),
  'weights-unplaced': entry<{ layer: string; variable: string }>(
    422,
    (f) =>
      `Layer "${f.layer}": no layer inside it has the name that its variable ${f.variable} goes by; load the model in a newer Keras and save it again with model.save().`,
  ),
  'weights-mismatch': entry<{ layer: string; variable: string; found: string; expected: string }>(
    422,
    (f) =>
      `Layer "${f.layer}": its variable ${f.variable} should have shape [${f.expected}], but the file holds ${f.found}; save the model again with model.save().`,
  ),
  'conversion-failed': entry<{ file: string; reason: string }>(
    422,
    (f) => `${f.file} could not be converted: ${f.reason}. If the file is sound, please report this.`,
  ),
  // --- runtime and batching: runtime/, services/batching/batcher ----------------------------------------------------
  'runtime-refused-graph': entry<{ reason: string }>(
    422,
    (f) => `ONNX Runtime does not load the graph: ${f.reason}. Check the model with "vitrina inspect".`,
  ),
  'runtime-rejected': entry<{ reason: string }>(
    422,
    (f) => `The model cannot compute on these inputs: ${f.reason}. Compare their shapes with the model's signature.`,
  ),
  'runtime-crashed': entry(503, () => 'The worker that ran this model died under the request; send it again.'),
  'runtime-closed': entry(503, () => 'The model was unloaded while the request waited; send it again.'),
  overloaded: entry<{ model: string; queued: number; waitMs: number }>(
    503,
    (f) =>
      `Model "${f.model}" has more to do than it may keep waiting (${f.queued} rows, ${f.waitMs} ms of work); try again after the seconds in Retry-After.`,
  ),
  'deadline-unmeetable': entry<{ model: string; needsMs: number; leftMs: number }>(
    503,
    (f) =>
      `Model "${f.model}" would need ${f.needsMs} ms for this request now, and ${f.leftMs} ms are left to its deadline; nothing was computed. Allow more time in X-Timeout-Ms, or try again after the seconds in Retry-After.`,
  ),
  'server-busy': entry<{ waiting: number; waitMs: number }>(
    503,
    (f) =>
      `${f.waiting} requests wait for the server to read them, which it would take ${f.waitMs} ms; try again after the seconds in Retry-After.`,
  ),
  'deadline-exceeded': entry<{ waitedMs: number }>(
    504,
    (f) =>
      `The deadline passed before there was an answer: the request had been here for ${f.waitedMs} ms. Allow more time in X-Timeout-Ms, or send less at a time.`,
  ),
  'request-abandoned': entry(499, () => 'The caller went away before the answer was computed.'),
  // --- models: services/repository/model-repository -----------------------------------------------------------------
  'model-not-found': entry<{ model: string; known: readonly string[] }>(
    404,
    (f) => `There is no model "${f.model}"; ${known(f.known, 'models')}.`,
  ),
  'version-not-found': entry<{ model: string; version: string; known: readonly string[] }>(
    404,
    (f) => `Model "${f.model}" has no version "${f.version}"; ${known(f.known, 'versions')}.`,
  ),
  'model-not-ready': entry<{ model: string; version: string; reason: string }>(
    503,
    (f) => `Model "${f.model}" version ${f.version} is not ready: ${f.reason}`,
  ),
  'profile-not-found': entry<{ model: string; version: string }>(
    404,
    (f) =>
      `Version ${f.version} of model "${f.model}" has no reference profile; put reference rows to /models/${f.model}/versions/${f.version}/profile, or make one with "vitrina profile".`,
  ),
  'model-yaml-invalid': entry<{ file: string; problem: string }>(422, (f) => `${f.file}: ${f.problem}.`),
  'golden-differs': entry<{ model: string; output: string; got: string; expected: string; tolerance: number }>(
    422,
    (f) =>
      `Model "${f.model}" fails its golden file: output "${f.output}" is ${f.got}, expected ${f.expected} within ${f.tolerance}. The version is not served; check the artefact and the golden file.`,
  ),
  'version-exists': entry<{ model: string; version: string }>(
    409,
    (f) =>
      `Model "${f.model}" has a version ${f.version} already, which holds something else; versions never change: put the next one, or delete this one first.`,
  ),
  'version-is-default': entry<{ model: string; version: string }>(
    409,
    (f) =>
      `Version ${f.version} answers for model "${f.model}" where no version is named; make another one the default first, or delete the model.`,
  ),
  'loads-waiting': entry<{ model: string; limit: number }>(
    503,
    (f) =>
      `Model "${f.model}" is not in memory, and ${f.limit} requests wait for models to be loaded already; try again in a second.`,
  ),
  'digest-differs': entry<{ header: string; sent: string; got: string }>(
    400,
    (f) => `The upload has the digest ${f.got}, and ${f.header} says ${f.sent}; nothing was changed: send it again.`,
  ),
  'storage-full': entry(507, () => 'The disk of the data folder is full; free some space, and send it again.'),
  'artefact-too-large': entry<{ limit: number }>(
    413,
    (f) =>
      `The artefact is larger than ${f.limit} bytes; raise the limit, or put the file into a folder that is served.`,
  ),
  'precondition-failed': entry<{ problem: string }>(
    412,
    (f) => `${f.problem}; get the representation again, and send its ETag.`,
  ),
  'path-unusable': entry<{ path: string; problem: string }>(422, (f) => `${f.path}: ${f.problem}.`),
  // --- requests: routes/, services/predictions/prediction-service ---------------------------------------------------
  'header-invalid': entry<{ header: string; value: string; expected: string }>(
    400,
    (f) => `${f.header} is "${f.value}"; expected ${f.expected}.`,
  ),
  'body-not-json': entry<{ problem: string }>(400, (f) => `The body is not JSON: ${f.problem}.`),
  'body-duplicate-key': entry<{ key: string; path: string }>(
    400,
    (f) => `The body has the key "${f.key}" twice${f.path === '' ? '' : ` in ${f.path}`}; send each key once.`,
  ),
  'body-too-deep': entry<{ limit: number }>(
    400,
    (f) => `The body is nested deeper than ${f.limit} levels; flatten it.`,
  ),
  'csv-malformed': entry<{ line: number; problem: string }>(
    400,
    (f) => `Line ${f.line} of the CSV text cannot be read: ${f.problem}.`,
  ),
  'ndjson-malformed': entry<{ line: number; problem: string }>(
    400,
    (f) => `Line ${f.line} of the NDJSON text cannot be read: ${f.problem}.`,
  ),
  'arrow-malformed': entry<{ problem: string }>(
    400,
    (f) => `The Arrow data cannot be read: ${f.problem}. Write it again with an Arrow library.`,
  ),
  'arrow-unsupported': entry<{ what: string; next: string }>(
    422,
    (f) => `The Arrow data has ${f.what}, which is not read here; ${f.next}.`,
  ),
  'stream-too-large': entry<{ limit: number; setting: 'stream-limit' | 'job-file-limit' }>(
    413,
    (f) => `The body is larger than ${f.limit} bytes; send it in parts, or raise the setting ${f.setting}.`,
  ),
  'version-replaced': entry<{ model: string; version: string }>(
    503,
    (f) =>
      `Model "${f.model}" version ${f.version} was replaced while rows were still being read; send them again, and the new version answers all.`,
  ),
  'body-encoding': entry<{ encoding: string }>(
    415,
    (f) => `The content encoding "${f.encoding}" is not read here; send gzip, deflate, br or none.`,
  ),
  'body-encoding-damaged': entry<{ encoding: string; problem: string }>(
    400,
    (f) => `The body is not ${f.encoding}, as its content encoding says: ${f.problem}.`,
  ),
  'body-too-large': entry<{ limit: number }>(
    413,
    (f) => `The body is larger than ${f.limit} bytes; send fewer rows at a time, or raise the setting body-limit.`,
  ),
  'answer-too-large': entry<{ values: number; limit: number }>(
    422,
    (f) =>
      `The outputs have ${f.values} values, and at most ${f.limit} are written as text; send fewer rows, ask for raw outputs (Open Inference Protocol) or Arrow, or raise the setting body-limit.`,
  ),
  'body-media-type': entry<{ type: string; expected: string }>(
    415,
    (f) => `The content type "${f.type}" is not read here; send ${f.expected}.`,
  ),
  'not-acceptable': entry<{ accept: string; offered: readonly string[] }>(
    406,
    (f) => `There is no answer of the type "${f.accept}"; accept ${f.offered.join(' or ')}.`,
  ),
  'request-invalid': entry<{ problems: readonly Problem[] }>(422, (f) =>
    f.problems.map((problem) => `${problem.path}: ${problem.message}`).join('; '),
  ),
  'request-malformed': entry<{ problem: string }>(400, (f) => `${f.problem}.`),
  'route-not-found': entry<{ method: string; path: string }>(
    404,
    (f) => `There is no ${f.method} ${f.path}; /docs lists what there is.`,
  ),
  'rows-over-limit': entry<{ rows: number; limit: number }>(
    413,
    (f) => `The request has ${f.rows} rows, over the limit of ${f.limit}; split it, or raise the setting max-rows.`,
  ),
  // --- gRPC: grpc/ --------------------------------------------------------------------------------------------------
  'grpc-service-unknown': entry<{ service: string; known: readonly string[] }>(
    404,
    (f) =>
      `There is no gRPC service "${f.service}"; ${known(
        f.known.map((name) => name || '""'),
        'services',
      )}.`,
  ),
  'message-too-slow': entry<{ seconds: number }>(
    408,
    (f) => `The message did not arrive within ${f.seconds} s; send it again, and in one go.`,
  ),
  'grpc-watchers-over-limit': entry<{ limit: number }>(
    429,
    (f) => `${f.limit} callers watch the health of this server already; call Check instead.`,
  ),
  // --- training: learn/, cli/train ----------------------------------------------------------------------------------
  'training-data-invalid': entry<{ problem: string }>(422, (f) => `The training data cannot be used: ${f.problem}.`),
  // --- clustering: learn/hdbscan ------------------------------------------------------------------------------------
  'clustering-option-invalid': entry<{ option: string; value: string; expected: string }>(
    422,
    (f) => `The clustering option ${f.option} is ${f.value}, but must be ${f.expected}; correct it, or leave it out.`,
  ),
  'clustering-point-invalid': entry<{ position: number; value: string }>(
    422,
    (f) => `Point ${f.position} is ${f.value}, which has no distance to others; leave out what is no finite number.`,
  ),
  // --- screen events: services/events -------------------------------------------------------------------------------
  'events-unavailable': entry<{ why: string }>(
    503,
    (f) => `The store of events does not answer: ${f.why}. Try again after the seconds in Retry-After.`,
  ),
  'events-too-slow': entry<{ seconds: number }>(
    504,
    (f) =>
      `The events could not be read and clustered within ${f.seconds} s; ask for fewer people or a shorter time, or raise the setting timeout.`,
  ),
  'events-refused': entry<{ status: number; reason: string }>(
    502,
    (f) =>
      `The store of events refused the question with ${f.status}: ${f.reason}. Check its address, index, mapping and API key in the settings.`,
  ),
  'events-over-limit': entry<{ util: string; limit: number }>(
    413,
    (f) => `"${f.util}" has more than ${f.limit} events in this time; ask for a shorter one, or raise max_events.`,
  ),
  'events-interrupted': entry(
    503,
    () => 'The thread that read the events ended under the request; try again after the seconds in Retry-After.',
  ),
  'events-busy': entry<{ waiting: number }>(
    503,
    (f) => `${f.waiting} requests wait for events already; try again after the seconds in Retry-After.`,
  ),
  // --- requests to others: services/outbound -----------------------------------------------------------------------
  'outbound-url-invalid': entry<{ url: string; problem: string }>(
    422,
    (f) => `The address ${f.url} cannot be asked: ${f.problem}. Send an http or https URL without user and password.`,
  ),
  'outbound-host-refused': entry<{ host: string; address: string | undefined; why: string }>(
    422,
    (f) =>
      `The host ${f.host}${f.address === undefined || f.address === f.host ? '' : ` (${f.address})`} is not asked: ${f.why}. Add the host or its address to the allowed hosts if it is meant to be reached.`,
  ),
  'outbound-allow-invalid': entry<{ entry: string }>(
    422,
    (f) =>
      `"${f.entry}" is no allowed host; expected a name ("a.example", "*.a.example"), an address ("10.1.2.3", "[fd00::1]"), either with ":port", or a range ("10.1.0.0/16").`,
  ),
  'outbound-too-large': entry<{ url: string; limit: number }>(
    422,
    (f) => `${f.url} holds more than ${f.limit} bytes; offer something smaller there, or raise the limit.`,
  ),
  'outbound-encoding': entry<{ url: string; encoding: string }>(
    422,
    (f) =>
      `${f.url} came with the content encoding "${f.encoding}", though none was accepted; serve the file as it is.`,
  ),
  'outbound-too-slow': entry<{ url: string; bytesPerSecond: number; seconds: number }>(
    504,
    (f) =>
      `${f.url} sent less than ${f.bytesPerSecond} bytes a second for ${f.seconds} s; try again when its server is quicker.`,
  ),
  'outbound-timeout': entry<{ url: string; seconds: number }>(
    504,
    (f) => `${f.url} was not done within ${f.seconds} s; try again, or allow more time.`,
  ),
  'outbound-status': entry<{ url: string; status: number }>(
    502,
    (f) => `${f.url} answered ${f.status}, but 200 was expected; check that it is there for anybody to fetch.`,
  ),
  'outbound-unreachable': entry<{ url: string; why: string }>(
    502,
    (f) => `${f.url} gave no whole answer: ${f.why}. Check that its server runs, and try again.`,
  ),
  'outbound-too-many-redirects': entry<{ url: string; limit: number }>(
    422,
    (f) => `${f.url} leads through more than ${f.limit} redirects; name the address that they end at.`,
  ),
  'outbound-circuit-open': entry<{ origin: string; failures: number; seconds: number }>(
    503,
    (f) =>
      `${f.origin} failed ${f.failures} times in a row and is left alone for a while; try again in ${f.seconds} s.`,
  ),
  // --- packages of images: apps/artwork -----------------------------------------------------------------------------
  'package-invalid': entry<{ entry: string | undefined; why: string }>(
    422,
    (f) =>
      `The package's zip file is refused${f.entry === undefined ? '' : ` for its entry ${JSON.stringify(f.entry)}`}: ${f.why}. Make it again with the plain image files alone, and have the job run again.`,
  ),
  'package-too-slow': entry<{ seconds: number }>(
    504,
    (f) =>
      `The package was not done within ${f.seconds} s; make it smaller, or raise the setting package-timeout-seconds.`,
  ),
  'image-process-unavailable': entry<{ why: string }>(
    503,
    (f) =>
      `The process that decodes images does not start: ${f.why}. Check the server's log and memory, and try again.`,
  ),
  // --- configuration and start: config.ts, server.ts, cli/ ----------------------------------------------------------
  'setting-unknown': entry<{ setting: string; source: string; nearest: string | undefined }>(
    422,
    (f) =>
      `${f.source}: there is no setting "${f.setting}"${f.nearest === undefined ? '' : `; did you mean "${f.nearest}"?`}`,
  ),
  'setting-invalid': entry<{ setting: string; source: string; value: string; expected: string }>(
    422,
    (f) => `${f.source}: ${f.setting} is ${f.value}; expected ${f.expected}.`,
  ),
  'setting-missing': entry<{ variable: string; why: string; next: string }>(
    422,
    (f) => `${f.variable} is not set, and ${f.why}; ${f.next}.`,
  ),
  'worker-ended': entry<{ how: string }>(
    500,
    (f) =>
      `The first worker ended (${f.how}) before it served; what it printed tells why, or the system's log where it was killed for its memory.`,
  ),
  'port-in-use': entry<{ host: string; port: number }>(
    422,
    (f) => `${f.host}:${f.port} is in use; stop the other server, or choose a port with --port.`,
  ),
  'address-unusable': entry<{ host: string; port: number; reason: string }>(
    422,
    (f) => `Cannot listen on ${f.host}:${f.port}: ${f.reason}; choose another with --host and --port.`,
  ),
  // --- database: storage/ -------------------------------------------------------------------------------------------
  'storage-unwritable': entry<{ path: string; why: string }>(
    500,
    (f) =>
      `The database ${f.path} cannot be opened for writing: ${f.why}. Name a writable folder with --data, or fix its owner and permissions.`,
  ),
  'storage-not-a-database': entry<{ path: string; why: string }>(
    500,
    (f) => `${f.path} is no database of Vitrina: ${f.why}. Name another folder with --data, or move the file away.`,
  ),
  'storage-damaged': entry<{ path: string; why: string }>(
    500,
    (f) => `The database ${f.path} is damaged: ${f.why}. Stop the server and restore the file from a backup.`,
  ),
  'storage-newer': entry<{ path: string; migration: string }>(
    500,
    (f) =>
      `The database ${f.path} was written by a newer Vitrina: it holds the migration "${f.migration}", which this one does not know. Run the newer version, or restore an older backup.`,
  ),
  'storage-behind': entry<{ location: string; missing: readonly string[] }>(
    500,
    (f) =>
      `The database ${f.location} lacks what this Vitrina needs (${f.missing.join(', ')}); run "vitrina migrate up" with the same database-url, then start again.`,
  ),
  'storage-host-unknown': entry<{ location: string; host: string }>(
    500,
    (f) => `The database ${f.location} is on a host that nobody knows, "${f.host}"; correct the setting database-url.`,
  ),
  'storage-database-unknown': entry<{ location: string; why: string }>(
    500,
    (f) =>
      `The server at ${f.location} has no such database: ${f.why}. Create it, or correct the setting database-url.`,
  ),
  'storage-login-refused': entry<{ location: string; why: string }>(
    500,
    (f) =>
      `The database ${f.location} does not let this user in: ${f.why}. Correct user and password in the setting database-url (special characters percent-encoded), or the server's pg_hba.conf.`,
  ),
  'storage-forbidden': entry<{ location: string; why: string }>(
    500,
    (f) =>
      `The database ${f.location} forbids its user what Vitrina does: ${f.why}. Grant it to the user, or make the user the owner of the database.`,
  ),
  'storage-encryption-failed': entry<{ location: string; why: string }>(
    500,
    (f) =>
      `The connection to the database ${f.location} cannot be encrypted: ${f.why}. Correct sslmode and sslrootcert in the setting database-url, or the server's certificate.`,
  ),
  'storage-in-use': entry<{ path: string }>(
    409,
    (f) =>
      `The database ${f.path} is in use: a server, a worker or another command has it open. Stop what runs on that folder, then try again.`,
  ),
  'backup-elsewhere': entry<{ location: string; command: string }>(
    422,
    (f) => `Run ${f.command} instead: ${f.location} is a PostgreSQL, which has tools of its own.`,
  ),
  'storage-unavailable': entry<{ why: string }>(
    503,
    (f) => `The database does not answer: ${f.why}. Try again in a moment.`,
  ),
  // --- jobs: services/jobs/, routes/jobs.ts -------------------------------------------------------------------------
  'job-unknown': entry<{ job: string }>(
    404,
    (f) =>
      `There is no job ${f.job}, or it is not yours, or it ended so long ago that it was removed; GET /jobs lists them.`,
  ),
  'job-input-invalid': entry<{ job: string; why: string }>(
    422,
    (f) => `The input does not fit jobs of the kind "${f.job}": ${f.why}. Send what the kind's schema says.`,
  ),
  'job-file-missing': entry<{ path: string; problem: string }>(500, (f) => `${f.path}: ${f.problem}.`),
  'job-result-missing': entry<{ job: string; state: string }>(
    409,
    (f) => `Job ${f.job} is ${f.state} and has no result to fetch; wait until GET /jobs/{id} says "succeeded".`,
  ),
  'job-state-conflict': entry<{ job: string; state: string; act: string; expected: string }>(
    409,
    (f) => `Job ${f.job} is ${f.state} and cannot be ${f.act}; only jobs that are ${f.expected} can.`,
  ),
  // --- the broker of jobs: services/jobs/rabbit ---------------------------------------------------------------------
  'queue-unavailable': entry<{ why: string }>(
    503,
    (f) => `The message broker does not answer: ${f.why}. Try again in a moment; nothing that was accepted is lost.`,
  ),
  'queue-login-refused': entry<{ location: string; why: string }>(
    500,
    (f) =>
      `The broker ${f.location} does not let this user in: ${f.why}. Correct user and password in the setting queue-url (special characters percent-encoded); the user guest may connect from the broker's own machine only.`,
  ),
  'queue-vhost-refused': entry<{ location: string; vhost: string; user: string }>(
    500,
    (f) =>
      `The broker ${f.location} has no virtual host "${f.vhost}", or none that the user "${f.user}" may enter; create it with "rabbitmqctl add_vhost", grant it with "rabbitmqctl set_permissions", or correct the setting queue-url.`,
  ),
  'queue-forbidden': entry<{ location: string; queue: string; why: string }>(
    500,
    (f) =>
      `The broker ${f.location} forbids its user what jobs need: ${f.why}. Grant configure, write and read on queues whose names begin with "${f.queue}", and write on the default exchange, with "rabbitmqctl set_permissions".`,
  ),
  'queue-mismatch': entry<{ location: string; queue: string; kind: string; why: string }>(
    500,
    (f) =>
      `The broker ${f.location} has a queue "${f.queue}" that is not the durable ${f.kind} queue that jobs need: ${f.why}. Choose the other kind or another name in the settings, or delete the queue with "rabbitmqctl delete_queue ${f.queue}" (jobs are in the database and are announced again).`,
  ),
  'queue-encryption-failed': entry<{ location: string; why: string }>(
    500,
    (f) =>
      `The connection to the broker ${f.location} cannot be encrypted: ${f.why}. Correct amqps, cacertfile, certfile and keyfile in the setting queue-url, or the broker's certificate.`,
  ),
  // --- accounts: services/accounts/, plugins/auth.ts ----------------------------------------------------------------
  unauthenticated: entry(
    401,
    () =>
      'This route needs an API key or an access token; send it as "Authorization: Bearer …", or a key as "X-Api-Key".',
  ),
  'credentials-ambiguous': entry(400, () => 'The request carries both a bearer token and X-Api-Key; send one of them.'),
  'token-invalid': entry<{ why: 'malformed' | 'signature' | 'foreign' | 'expired' | 'revoked' | 'reused' }>(
    401,
    (f) => {
      const reason = {
        malformed: 'is neither an access token nor an API key of this server',
        signature: 'was not issued by this server',
        foreign: 'was issued for another service',
        expired: 'has expired',
        revoked: 'is no longer valid',
        reused: 'has been used before, so that it may be stolen, and everything that it led to has ended',
      }[f.why];
      return `The access token or API key ${reason}; log in again at POST /auth/token, or ask for a new key.`;
    },
  ),
  forbidden: entry<{ need: string; have: string }>(
    403,
    (f) => `This needs the scope ${f.need}; the key or token in use has ${f.have}. Use one with that scope.`,
  ),
  'login-failed': entry(401, () => 'The user name or the password is wrong.'),
  'login-throttled': entry<{ retryAfter: number }>(
    429,
    (f) => `Too many failed logins; try again in ${f.retryAfter} s.`,
  ),
  'login-busy': entry<{ retryAfter: number }>(503, (f) => `Too many logins at once; try again in ${f.retryAfter} s.`),
  'username-invalid': entry<{ why: string }>(
    422,
    (f) => `The user name cannot be used: ${f.why}. Choose 1 to 128 visible characters without spaces at the ends.`,
  ),
  'username-taken': entry<{ username: string }>(
    409,
    (f) => `The user name "${f.username}" is taken (upper and lower case count as equal); choose another.`,
  ),
  'password-invalid': entry<{ why: string }>(422, (f) => `The password cannot be used: ${f.why}.`),
  'password-hash-invalid': entry<{ why: string }>(
    422,
    (f) => `The password hash cannot be used: ${f.why}. Give an argon2id hash, or a bcrypt hash ($2a$, $2b$, $2y$).`,
  ),
  'email-taken': entry<{ email: string }>(
    409,
    (f) => `The e-mail address "${f.email}" belongs to another user; log in with that one, or choose another.`,
  ),
  'document-taken': entry<{ document: string }>(
    409,
    (f) => `The document number ${f.document} belongs to another user; log in with that one.`,
  ),
  'registration-refused': entry<{ why: string }>(400, (f) => `No user was made: ${f.why}.`),
  'full-name-incomplete': entry(404, () => 'The full name has fewer than two words; give a first and a last name.'),
  'document-number-invalid': entry(404, () => 'The document number is no CPF or CNPJ; check its digits.'),
  'text-empty': entry(400, () => 'The text is empty; send one to be classified in text_message. Nothing was counted.'),
  'registration-throttled': entry<{ retryAfter: number }>(
    429,
    (f) => `Too many registrations from this address; try again in ${f.retryAfter} s.`,
  ),
  'password-wrong': entry(403, () => 'The current password is wrong; send the one that you log in with.'),
  'limit-invalid': entry<{ limit: string; value: string; expected: string }>(
    422,
    (f) => `The limit "${f.limit}" cannot be ${f.value}; expected ${f.expected}.`,
  ),
  'quota-exceeded': entry<{ kind: 'day' | 'month'; limit: number; units: number; until: string }>(
    429,
    (f) =>
      `The quota of ${f.limit} predictions a ${f.kind} does not leave ${f.units} more; it begins anew at ${f.until}. Wait until then, or ask the operator for more.`,
  ),
  'rate-exceeded': entry<{ requests: number; seconds: number; retryAfter: number }>(
    429,
    (f) => `More than ${f.requests} requests within ${f.seconds} s; try again in ${f.retryAfter} s.`,
  ),
  'role-unknown': entry<{ role: string; known: string }>(
    422,
    (f) => `There is no role "${f.role}"; choose one of ${f.known}.`,
  ),
  'scope-unknown': entry<{ scope: string; known: string }>(
    422,
    (f) => `There is no scope "${f.scope}"; choose among ${f.known}.`,
  ),
  'scope-beyond-role': entry<{ scope: string; username: string; role: string }>(
    422,
    (f) => `The scope "${f.scope}" is more than user "${f.username}" may do, whose role is ${f.role}; leave it out.`,
  ),
  'priority-unknown': entry<{ priority: string; known: string }>(
    422,
    (f) => `There is no priority "${f.priority}"; choose one of ${f.known}.`,
  ),
  'expiry-invalid': entry<{ value: string }>(
    422,
    (f) =>
      `The expiry "${f.value}" is no time in the future; give a length such as 12h, 90d or 1y, or a date such as 2030-01-31.`,
  ),
  'key-name-invalid': entry<{ why: string }>(
    422,
    (f) => `The name of the key cannot be used: ${f.why}. Choose at most 128 visible characters.`,
  ),
  'user-unknown': entry<{ user: string }>(404, (f) => `There is no user ${f.user}; GET /users lists them.`),
  'key-unknown': entry<{ key: string }>(404, (f) => `There is no API key ${f.key}; GET /keys lists them.`),
  'last-admin': entry<{ username: string }>(
    409,
    (f) => `User "${f.username}" is the last admin who can act; make another admin first.`,
  ),
  'login-needed': entry(
    403,
    () => 'This is for whoever has logged in, and the request came with an API key; send an access token.',
  ),
  'secret-given': entry(
    409,
    () =>
      'The secret that signs tokens is set by jwt-secret; change it there, and put the old one into jwt-old-secrets.',
  ),
  'secret-too-short': entry<{ bytes: number; minimum: number }>(
    500,
    (f) =>
      `The secret that signs tokens (jwt-secret, jwt-old-secrets, JWT_SECRET) has ${f.bytes} bytes, but tokens need at least ${f.minimum}; make one with "openssl rand -base64 48", or leave it out and the server keeps its own.`,
  ),
  // --- anything that nobody foresaw ---------------------------------------------------------------------------------
  internal: entry(500, () => 'The server met a fault of its own; its log names it under the request id.'),
} as const;

export type ErrorCode = keyof typeof catalogue;
export type ErrorFields<C extends ErrorCode> = Parameters<(typeof catalogue)[C]['text']>[0];

export interface VitrinaErrorOptions extends ErrorOptions {
  /** Headers that belong to the answer, whoever renders it: `WWW-Authenticate`, `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error of the catalogue. `code` and `fields` are for programs, `message` is for people. */
export class VitrinaError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly status: number;
  readonly fields: ErrorFields<C>;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(code: C, fields: ErrorFields<C>, options?: VitrinaErrorOptions) {
    const { status, text } = catalogue[code] as Entry<ErrorFields<C>>;
    const message = text(fields);
    const { stackTraceLimit } = Error;
    // The code says what happened. Where it did costs more than all the rest of a refusal, and a server under attack
    // gives many.
    if (code !== 'internal') Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'VitrinaError';
    this.code = code;
    this.status = status;
    this.fields = fields;
    this.headers = options?.headers;
  }
}
