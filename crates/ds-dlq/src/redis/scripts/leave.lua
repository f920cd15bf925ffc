-- Removes the own consumer, unless it has entries that it never settled: group, own name.
local pending = redis.pcall('XPENDING', STREAM, ARGV[1], '-', '+', 1, ARGV[2])
if not pending.err and #pending == 0 then
  redis.call('XGROUP', 'DELCONSUMER', STREAM, ARGV[1], ARGV[2])
end
return 0
