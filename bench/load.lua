-- What wrk sends: `wrk … -s load.lua URL -- FILE RUN`. The first line of FILE holds the headers of every request, between
-- tabs. Each further one is a request: method, path and body between tabs, in the order in which they are sent, over and
-- over. A request with a body gets an idempotency key of its own, made from RUN and a count. The last line of the output
-- is JSON.

local requests, keyed = {}, {}
local at, count, run = 0, 0, ""

function init(args)
   run = args[2]
   local lines = io.lines(args[1])
   local common = {}
   for name, value in lines():gmatch("([^\t:]+): ([^\t]+)") do
      common[name] = value
   end
   for line in lines do
      local method, path, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
      if body == "" then
         requests[#requests + 1] = wrk.format(method, path, common)
      else
         local key = "KEY-KEY-KEY"
         local headers = { ["content-type"] = "application/json", ["idempotency-key"] = key }
         for name, value in pairs(common) do
            headers[name] = value
         end
         local text = wrk.format(method, path, headers, body)
         local from, to = text:find(key, 1, true)
         requests[#requests + 1] = text
         keyed[#requests] = { text:sub(1, from - 1) .. '"' .. run .. "-", '"' .. text:sub(to + 1) }
      end
   end
end

function request()
   at = at % #requests + 1
   local parts = keyed[at]
   if parts == nil then
      return requests[at]
   end
   count = count + 1
   return parts[1] .. count .. parts[2]
end

function done(summary, latency)
   local errors = summary.errors
   print(string.format(
      '{"requests":%d,"seconds":%.6f,"failed":%d,"p50_ms":%.3f,"p99_ms":%.3f}',
      summary.requests, summary.duration / 1e6,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
