-- Sets entries aside until they are due: group, then id, wait in ms and error of each.

-- The notes of an entry after one more failure. Errors hold neither tabs nor line breaks.
local function noted(notes, at, error)
  local attempts, history = 0, ''
  local tab = string.find(notes, '\t', 1, true)
  if tab then
    attempts, history = tonumber(string.sub(notes, 1, tab - 1)), string.sub(notes, tab)
  end
  history = history .. '\t' .. digits(at) .. ' ' .. error
  local _, count = string.gsub(history, '\t', '')
  if count > HISTORY_MAX then
    local second = string.find(history, '\t', 2, true)
    history = string.sub(history, second)
  end
  return digits(attempts + 1) .. history
end

local now = micros()
for i = 2, #ARGV, 3 do
  local id = ARGV[i]
  local kind, content, notes, is_held = find(id)
  if kind then
    forget(ARGV[1], id, is_held)
    redis.call('HSET', HELD, id, kind .. '\n' .. noted(notes, now, ARGV[i + 2]) .. '\n' .. content)
    redis.call('ZADD', AGE, string.match(id, '^%d+'), id)
    redis.call('ZADD', DEFERRED, digits(math.floor(now / 1000) + ARGV[i + 1]), id)
  end
end
return 0
