-- For wrk: escalations of about 1.2 kB, each with an id of its own. Arguments behind "--": the token, and a word that makes
-- the ids of this run its own. Prints one line that begins with "bench:" and holds the numbers as JSON.

local threads = 0
local id, count, prefix = 0, 0, ""
local before, after

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

local function quoted(text)
  return '"' .. text .. '"'
end

function init(args)
  wrk.method = "POST"
  wrk.path = "/v1/escalations"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. args[1]
  prefix = args[2] .. "-" .. id .. "-"
  local said = string.rep("I was charged twice for this order and nobody could tell me why. ", 6)
  before = '{"id":"'
  after = '","name":"Asha Rao","email":"asha.rao@example.com","locale":"en-IN"},'
    .. '"reason":{"code":"billing_dispute","text":"The user disputes a charge."},'
    .. '"summary":"Charged twice for order 8842 and wants one payment back.","conversation":['
    .. '{"role":"user","content":' .. quoted(said) .. ',"at":"2026-03-10T14:28:11+05:30"},'
    .. '{"role":"assistant","content":"I see two payments of Rs 1,499. I am not allowed to refund one of them."},'
    .. '{"role":"user","content":"Then somebody who is allowed to must do it."}],'
    .. '"steps_tried":[{"what":"Looked up the payments of order 8842","result":"Two payments within a minute"}],'
    .. '"category":"Billing","priority":"high","language":"en-IN","channel":"web","metadata":{"order":"8842"}}'
end

function request()
  count = count + 1
  local user = '","user":{"id":"user-' .. count .. '","phone":"+9155501' .. string.format("%05d", count % 100000)
  return wrk.format(nil, nil, nil, before .. prefix .. count .. user .. after)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'bench:{"requests":%d,"us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
