-- One body for all requests, from the file WRK_BODY; prints a line of JSON at the end. Times are microseconds.
local file = io.open(os.getenv("WRK_BODY"), "rb")
wrk.body = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
local authorization = os.getenv("WRK_AUTHORIZATION")
if authorization and authorization ~= "" then wrk.headers["authorization"] = authorization end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\nJSON{"requests":%d,"us":%d,"p50":%d,"p99":%d,"status":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
