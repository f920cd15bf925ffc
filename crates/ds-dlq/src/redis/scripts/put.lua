-- Adds entries of several puts; those of one put together, or none of them when there is no room:
-- entries_max, bytes_max, number of puts, entries of each put, entry…
local entries_max, bytes_max, puts = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local entries, bytes = depth(), tonumber(redis.call('GET', BYTES) or 0)
local added = 0
local answers = {}
local at = 4 + puts
for put = 1, puts do
  local last = at + ARGV[3 + put] - 1
  local size = 0
  for i = at, last do
    size = size + #ARGV[i]
  end
  local fits = entries + last - at + 1 <= entries_max and bytes + size <= bytes_max
  if fits then
    for i = at, last do
      redis.call('XADD', STREAM, '*', 'entry', ARGV[i])
    end
    entries, bytes, added = entries + last - at + 1, bytes + size, added + size
  end
  answers[put] = { fits and 1 or 0, entries, bytes }
  at = last + 1
end
if added > 0 then
  redis.call('INCRBY', BYTES, digits(added))
end
return answers
