-- Moves entries to the dead letters: group, then id and reason of each.
local bytes = 0
for i = 2, #ARGV, 2 do
  local kind, content, notes, is_held = find(ARGV[i])
  if kind then
    redis.call('XADD', DEAD, '*', kind, content, 'original_id', ARGV[i], 'reason', ARGV[i + 1], 'history', notes)
    bytes = bytes + weight(kind, content)
    forget(ARGV[1], ARGV[i], is_held)
  end
end
free(bytes)
return 0
