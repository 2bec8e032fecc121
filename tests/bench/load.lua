-- The requests of wrk, set by environment variables (from load.py): BENCH_METHOD, BENCH_PATH, BENCH_BODY, BENCH_HEADERS (one on each line)
-- and BENCH_VALUES (a file). In body and headers {n} is a new number for each request, {value} is the file's next line, and {carried} is a
-- value of the thread: first its line of the file, then the match of BENCH_CARRY (a pattern) in each answer. So wrk needs a thread for each
-- connection when a value is carried.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

local method, path, body = os.getenv("BENCH_METHOD"), os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
local pattern = os.getenv("BENCH_CARRY")
local templates, values, filled, count = {}, {}, { carried = "" }, 0

local function fill(text)
  return (text:gsub("{(%w+)}", filled))
end

function init()
  for name, value in os.getenv("BENCH_HEADERS"):gmatch("([^:\n]+): ([^\n]*)") do
    templates[name] = value
  end
  for line in io.lines(os.getenv("BENCH_VALUES")) do
    values[#values + 1] = line
  end
  filled.carried = values[number] or ""
end

function request()
  count = count + 1
  filled.n = os.getenv("BENCH_RUN") .. "-" .. number .. "-" .. count
  filled.value = values[count % math.max(#values, 1) + 1] or ""
  local headers = {}
  for name, value in pairs(templates) do
    headers[name] = fill(value)
  end
  return wrk.format(method, path, headers, body and fill(body))
end

if pattern then
  function response(status, headers, answer)
    filled.carried = answer:match(pattern) or filled.carried
  end
end

function done(summary, latency)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("LOAD %d %d %d %d", summary.requests, summary.duration, errors.status, lost))
  for _, percent in ipairs({ 50, 90, 99 }) do
    io.write(string.format(" %.0f", latency:percentile(percent)))
  end
  io.write("\n")
end
