-- Puts taken entries back: group, consumer, lease in ms, id…
local now = millis()
for i = 4, #ARGV do
  local id = ARGV[i]
  if redis.call('ZREM', LEASED, id) == 1 then
    redis.call('ZADD', DEFERRED, digits(now), id)
  else
    -- As idle as an entry whose taker is gone; one that is not taken stays as it is.
    redis.pcall('XCLAIM', STREAM, ARGV[1], ARGV[2], 0, id, 'IDLE', ARGV[3] * 2, 'JUSTID')
  end
end
return 0
