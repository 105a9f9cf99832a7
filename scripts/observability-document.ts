/** `docs/observability.md`: how to watch a server, with every metric from the catalogue. */
import { catalogue, type MetricDefinition } from '../src/services/metrics/catalogue.js';
import { boundsMs, exposed } from '../src/services/metrics/histogram.js';
import { stages } from '../src/services/metrics/version-metrics.js';

const code = (text: string) => `\`${text}\``;

export function observability(): string {
  const rows = Object.entries<MetricDefinition>(catalogue).map(
    ([name, { type, help, labels }]) => `| ${code(name)} | ${type} | ${labels.map(code).join(', ')} | ${help} |`,
  );
  const bounds = exposed.map((index) => boundsMs[index]! / 1000).join(', ');
  return `# Observability

<!-- Generated from src/services/metrics/catalogue.ts by \`npm run docs\`. -->

## Metrics

\`GET /metrics\` answers in the text format of Prometheus, for the whole server: with \`--workers\`, whichever process is
asked asks the others. What a process counted stays in the sums when it is rolled; one that dies takes its last seconds
along. The route needs a key with the scope \`models:read\`, or the setting \`metrics-public: true\`; it is there beside an
app that is served alone (\`--only\`), too.

\`\`\`yaml
# prometheus.yml
scrape_configs:
  - job_name: vitrina
    static_configs: [{targets: ['localhost:8000']}]
    authorization: {credentials_file: /etc/prometheus/vitrina.key}   # vitrina keys create --scope models:read
\`\`\`

Labels come from routes, from models that are there and from the catalogue of errors, never from what a caller sends.
The series of a model go with it. Buckets of durations, in seconds: ${bounds}.

| Metric | Type | Labels | What |
|---|---|---|---|
${rows.join('\n')}

Queries to begin a dashboard with:

\`\`\`promql
# requests per second, by route; share of errors
sum by (route) (rate(vitrina_http_requests_total[1m]))
sum(rate(vitrina_http_requests_total{status=~"5.."}[5m])) / sum(rate(vitrina_http_requests_total[5m]))

# predictions and rows per second, by model and version
sum by (model, version) (rate(vitrina_predictions_total[1m]))
sum by (model, version) (rate(vitrina_prediction_rows_total[1m]))

# latency: the 99th percentile by model, and where the time goes
histogram_quantile(0.99, sum by (le, model) (rate(vitrina_prediction_stage_seconds_bucket{stage="total"}[5m])))
sum by (stage) (rate(vitrina_prediction_stage_seconds_sum{model="iris",stage!="total"}[5m]))
  / ignoring (stage) group_left sum(rate(vitrina_prediction_stage_seconds_count{model="iris",stage="total"}[5m]))

# batching: mean rows of a batch; what waits
sum by (model) (rate(vitrina_batch_rows_sum[5m])) / sum by (model) (rate(vitrina_batch_rows_count[5m]))
vitrina_queue_rows

# what was refused, by reason; shed and expired alone
sum by (model, reason) (rate(vitrina_prediction_failures_total[5m]))
sum(rate(vitrina_prediction_failures_total{reason=~"overloaded|server-busy|deadline-.*|request-abandoned"}[5m]))

# worth an alert
vitrina_models{state="failed"} > 0
increase(vitrina_worker_restarts_total{reason="died"}[10m]) > 0
increase(vitrina_logins_failed_total[5m]) > 50
nodejs_eventloop_delay_seconds{percentile="99"} > 0.1
\`\`\`

## Statistics of a model

\`GET /models/{name}/stats\` (scope \`models:read\`) gives counts, failures by reason, batches by size and the mean, median,
90th and 99th percentile of each stage (${stages.join(', ')}) in milliseconds, by version, summed over the processes
that run now. \`GET /v2/models/{name}/stats\` gives Triton's.

## Traces

Traces go by OTLP over HTTP to the collector that \`otlp-endpoint\`, or \`OTEL_EXPORTER_OTLP_ENDPOINT\`, names; without
one, OpenTelemetry is not even loaded.

\`\`\`
POST /models/:name/predict      the request: route, status, model, version, rows, request id
├─ read body
├─ queue wait                   linked with the batch
└─ batch                        in the trace of its first request; linked with all traced requests in it
   └─ session run
\`\`\`

A caller's \`traceparent\` and \`tracestate\` are honoured: its trace goes on, and its decision whether to keep the trace
counts, up to 100 a second (1,000 at once) for each process, so that no caller can have everything traced. Of the rest,
one in a hundred is kept, up to 20 a second for each process, unless you say how many: \`trace-ratio\`, or
\`OTEL_TRACES_SAMPLER\` and \`OTEL_TRACES_SAMPLER_ARG\`. \`OTEL_SERVICE_NAME\`, \`OTEL_RESOURCE_ATTRIBUTES\`,
\`OTEL_EXPORTER_OTLP_HEADERS\` and the limits \`OTEL_BSP_*\` are heeded as well. The answer to a traced request carries
its \`traceparent\`. When the collector is slow or gone, spans are dropped, predictions go on, and the log says so once a
minute.

## Logs

JSON lines on standard error. \`request-log\` chooses which requests get one: \`off\` (faults of the server alone),
\`errors\` (also what it shed or could not do in time; the default, 20 lines a second at most, with the number of those
left out) or \`all\`.

\`\`\`json
{"level":30,"time":"2026-11-21T15:12:29.331Z","reqId":"mine-1","method":"POST","route":"/models/:name/predict","status":200,"ms":1.204,"model":"iris","version":"1","rows":2,"batchRows":8,"waitMs":0.31,"runMs":0.072,"user":1,"keyId":"9114246218af4c3b","bytesIn":61,"bytesOut":74,"traceId":"0af7651916cd43dd8448eb211c80319c","msg":"answered"}
\`\`\`

\`reqId\` is the caller's \`X-Request-Id\`, if it is harmless, or the server's own; every answer carries it. A refusal has
its \`code\`, a fault its cause (\`err\`). No body, query, header or credential is ever logged.
`;
}
