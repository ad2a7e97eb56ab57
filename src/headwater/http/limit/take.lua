-- Charge all of KEYS or none. ARGV holds for each: interval, depth (both in microseconds) and cost. Returns 1 or 0, and
-- for each key how far ahead of now its moment is, in microseconds. The clock is the server's, so that all processes
-- judge by one. Numbers are doubles here, exact up to 2^53 microseconds, which is the year 2255; they are stored with
-- %.0f, because tostring would round them to 14 digits.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local before, after, allowed = {}, {}, 1
for i, key in ipairs(KEYS) do
    local interval, depth, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
    local debt = math.max(tonumber(redis.call('GET', key) or 0) - now, 0)
    before[i] = debt
    after[i] = debt + cost * interval
    if cost > 0 and after[i] > depth then
        allowed = 0
    end
end
local result = {allowed}
for i, key in ipairs(KEYS) do
    local debt = before[i]
    if allowed == 1 then
        debt = after[i]
        if tonumber(ARGV[3 * i]) > 0 then
            redis.call('SET', key, string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
        end
    end
    result[i + 1] = string.format('%.0f', debt)
end
return result
