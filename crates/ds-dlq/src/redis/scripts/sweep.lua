-- Removes consumers that have nothing and are gone for long: group, own name, most idle ms.
local known = redis.pcall('XINFO', 'CONSUMERS', STREAM, ARGV[1])
for i = 1, #known do
  local consumer = {}
  for j = 1, #known[i], 2 do
    consumer[known[i][j]] = known[i][j + 1]
  end
  if consumer.pending == 0 and consumer.idle > tonumber(ARGV[3]) and consumer.name ~= ARGV[2] then
    redis.call('XGROUP', 'DELCONSUMER', STREAM, ARGV[1], consumer.name)
  end
end
return 0
