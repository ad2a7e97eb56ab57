-- Charge all of KEYS or none. ARGV holds for each: interval, depth (both in microseconds) and cost. Returns 1 or 0, and
-- for each key how far ahead of now its moment is, in microseconds. The clock is the server's, so that all processes
-- judge by one. Numbers are doubles here, exact up to 2^53 microseconds, which is the year 2255; they are stored with
-- %.0f, because tostring would round them to 14 digits. A moment that is further ahead than the depth, as after the clock
-- was set back, is brought back to there, also by a charge that is refused.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local before, after, allowed = {}, {}, 1

local function keep(key, debt)
    redis.call('SET', key, string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
end

for i, key in ipairs(KEYS) do
    local interval, depth, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
    local debt = math.max(tonumber(redis.call('GET', key) or 0) - now, 0)
    if debt > depth then
        debt = depth
        keep(key, debt)
    end
    before[i] = debt
    after[i] = debt + cost * interval
    if after[i] > depth then
        allowed = 0
    end
end
local result = {allowed}
for i, key in ipairs(KEYS) do
    local debt = before[i]
    if allowed == 1 then
        debt = after[i]
        if tonumber(ARGV[3 * i]) > 0 then
            keep(key, debt)
        end
    end
    result[i + 1] = debt
end
return result
