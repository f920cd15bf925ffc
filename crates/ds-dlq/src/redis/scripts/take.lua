-- Takes entries of three sources, each of which gets its share before any gets more:
-- group, consumer, max, lease in ms, cursor, turn, most bytes.
local group, consumer, max, lease = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local cursor, turn, bytes_max = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local now = millis()
local taken = {}

local entries = depth()
if entries > 0 then
  local average = tonumber(redis.call('GET', BYTES) or 0) / entries
  max = math.min(max, math.max(1, math.floor(bytes_max / math.max(1, average))))
end

local function add(id, fields)
  local kind, content = reading(fields)
  taken[#taken + 1] = { id, kind, 0, content }
end

-- The group is gone when Redis came back empty.
local function grouped(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err and string.find(answer.err, 'NOGROUP', 1, true) then
    redis.call('XGROUP', 'CREATE', STREAM, group, '0', 'MKSTREAM')
    return redis.call(...)
  end
  if type(answer) == 'table' and answer.err then
    error(answer.err)
  end
  return answer
end

-- Entries whose taker is silent. The cursor goes around all that are taken, a piece each time.
local function silent(count)
  local before = #taken
  local answer = grouped('XAUTOCLAIM', STREAM, group, consumer, lease, cursor, 'COUNT', count)
  cursor = answer[1]
  for i = 1, #answer[2] do
    if answer[2][i] then
      add(answer[2][i][1], answer[2][i][2])
    end
  end
  return #taken - before
end

-- Deferred entries that are due, those with an expired lease first.
local function due(count)
  local before = #taken
  local ids = redis.call('ZRANGEBYSCORE', LEASED, '-inf', digits(now), 'LIMIT', 0, count)
  if #ids < count then
    local more = redis.call('ZRANGEBYSCORE', DEFERRED, '-inf', digits(now), 'LIMIT', 0, count - #ids)
    for i = 1, #more do
      ids[#ids + 1] = more[i]
    end
  end
  for _, id in ipairs(ids) do
    redis.call('ZREM', DEFERRED, id)
    redis.call('ZADD', LEASED, digits(now + lease), id)
    local kind, notes, content = unwrap(redis.call('HGET', HELD, id))
    taken[#taken + 1] = { id, kind, tonumber(string.match(notes, '^%d+') or 0), content }
  end
  return #taken - before
end

local function fresh(count)
  local before = #taken
  local answer = grouped('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', STREAM, '>')
  if answer then
    for _, entry in ipairs(answer[1][2]) do
      add(entry[1], entry[2])
    end
  end
  return #taken - before
end

local sources = { silent, due, fresh }
local is_drained = {}
local share = math.ceil(max / #sources)
for round = 1, 2 do
  for step = 0, #sources - 1 do
    local at = (turn + step) % #sources + 1
    local wanted = max - #taken
    if round == 1 then
      wanted = math.min(wanted, share)
    end
    if wanted > 0 and not is_drained[at] then
      is_drained[at] = sources[at](wanted) < wanted
    end
  end
end
return { cursor, taken }
