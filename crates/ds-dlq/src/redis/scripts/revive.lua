-- Lets a dead letter wait again: id.
local found = redis.call('XRANGE', DEAD, ARGV[1], ARGV[1])[1]
if not found then
  return 0
end
local kind, content = reading(found[2])
redis.call('XADD', STREAM, '*', kind, content)
redis.call('INCRBY', BYTES, weight(kind, content))
redis.call('XDEL', DEAD, ARGV[1])
return 1
