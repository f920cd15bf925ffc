-- Counts, and what is oldest: group.
local now = micros()
local oldest = {}
local first = redis.call('XRANGE', STREAM, '-', '+', 'COUNT', 1)[1]
if first then
  local _, content = reading(first[2])
  oldest[1] = { first[1], content }
end
local held = redis.call('ZRANGE', AGE, 0, 0)[1]
if held then
  local _, _, content = unwrap(redis.call('HGET', HELD, held))
  oldest[#oldest + 1] = { held, content }
end

local consumers = {}
local known = redis.pcall('XINFO', 'CONSUMERS', STREAM, ARGV[1])
for i = 1, #known do
  local consumer = {}
  for j = 1, #known[i], 2 do
    consumer[known[i][j]] = known[i][j + 1]
  end
  consumers[i] = { consumer.name, consumer.pending, consumer.idle }
end

return {
  depth(),
  tonumber(redis.call('GET', BYTES) or 0),
  redis.call('ZCOUNT', DEFERRED, '(' .. digits(math.floor(now / 1000)), '+inf'),
  redis.call('XLEN', DEAD),
  now,
  oldest,
  consumers,
}
