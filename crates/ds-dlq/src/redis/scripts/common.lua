-- What every script begins with. The keys are described in redis.rs.
local STREAM, DEFERRED, LEASED, HELD, AGE, BYTES, DEAD = unpack(KEYS)

-- Failed attempts that are remembered of an entry.
local HISTORY_MAX = 32

-- The server's clock in whole microseconds: replicas need not agree on the time.
local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function millis()
  return math.floor(micros() / 1000)
end

-- Numbers beyond 14 digits would lose some when Lua writes them.
local function digits(number)
  return string.format('%.0f', number)
end

-- In which form an entry is written, and what it says.
local function reading(fields)
  for i = 1, #fields, 2 do
    local name = fields[i]
    if name == 'entry' or name == 'message' or name == 'unknown' then
      return name, fields[i + 1]
    end
  end
  return 'unknown', table.concat(fields, ' ')
end

-- Bytes count for entries that were put by us; others were never weighed.
local function weight(kind, content)
  return kind == 'entry' and #content or 0
end

-- Parts of a held entry: its form, its attempts with their history, what it says.
local function unwrap(held)
  local first = string.find(held, '\n', 1, true)
  local second = string.find(held, '\n', first + 1, true)
  return string.sub(held, 1, first - 1), string.sub(held, first + 1, second - 1), string.sub(held, second + 1)
end

-- An entry, wherever it is: form, content, notes, and whether it is held.
local function find(id)
  local held = redis.call('HGET', HELD, id)
  if held then
    local kind, notes, content = unwrap(held)
    return kind, content, notes, true
  end
  local found = redis.call('XRANGE', STREAM, id, id)[1]
  if found then
    local kind, content = reading(found[2])
    return kind, content, '', false
  end
end

-- Removes an entry from where it was found.
local function forget(group, id, is_held)
  if is_held then
    redis.call('ZREM', DEFERRED, id)
    redis.call('ZREM', LEASED, id)
    redis.call('ZREM', AGE, id)
    redis.call('HDEL', HELD, id)
  else
    redis.call('XACK', STREAM, group, id)
    redis.call('XDEL', STREAM, id)
  end
end

local function depth()
  return redis.call('XLEN', STREAM) + redis.call('HLEN', HELD)
end

-- Gives the room of removed entries back.
local function free(bytes)
  if depth() == 0 or (bytes > 0 and redis.call('DECRBY', BYTES, bytes) < 0) then
    redis.call('DEL', BYTES)
  end
end

