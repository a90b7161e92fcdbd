--@ os time date clock difftime getenv setlocale execute exit tmpname remove rename
-- os: what a session may see of the machine. Time and variables are recorded reads; a variable and
-- a file need a grant, and a refusal names it.
local sys, alc, lib, def = ...
local type, error, tonumber, next = type, error, tonumber, next
local format, mathtype = string.format, math.type
local request, text = sys.request, lib.text

local function field(t, name, default)
  local v = t[name]
  if v == nil then
    if default == nil then error(format("field '%s' missing in date table", name), 3) end
    return default
  end
  local n = mathtype(v) == "integer" and v or tonumber(v)
  if n == nil or n ~= n // 1 then error(format("field '%s' is not an integer", name), 3) end
  n = n // 1 | 0
  if n > 2147483647 or n < -2147483648 then error(format("field '%s' is out-of-bound", name), 3) end
  return n
end

function def.time(t)
  if t == nil then return (request("unix")) end
  if type(t) ~= "table" then error(format("bad argument #1 to 'time' (table expected, got %s)", type(t)), 2) end
  local year, month, day = field(t, "year"), field(t, "month"), field(t, "day")
  local hour, min, sec = field(t, "hour", 12), field(t, "min", 0), field(t, "sec", 0)
  local isdst = t.isdst
  if isdst ~= nil then isdst = isdst and true or false end
  local seconds, normal = request("mktime", year, month, day, hour, min, sec, isdst)
  for k, v in next, normal do t[k] = v end
  return seconds
end

function def.date(fmt, t)
  fmt = fmt == nil and "%c" or text(fmt, "date", 1)
  if t == nil then
    t = request("unix")
  elseif mathtype(t) ~= "integer" then
    local n = tonumber(t)
    if n == nil or n ~= n // 1 then error("bad argument #2 to 'date' (number has no integer representation)", 2) end
    t = n // 1 | 0
  end
  return (request("date", fmt, t))
end

function def.clock() return (request("clock")) end

function def.difftime(a, b)
  local x, y = tonumber(a), tonumber(b)
  if x == nil or y == nil then error("bad argument to 'difftime' (number expected)", 2) end
  return x - y + 0.0
end

function def.getenv(name) return (request("getenv", text(name, "getenv", 1))) end

-- C's locale is the only one: nothing here depends on another.
function def.setlocale(locale)
  if locale == nil or locale == "" or locale == "C" or locale == "POSIX" then return "C" end
  return nil
end

-- What no grant opens raises, and says so.
local function never(t, name, full, why)
  t[name] = function() error(full .. ": " .. why, 2) end
end

function def.execute(command)
  if command == nil then return false end
  return nil, "os.execute: a session starts no programs, and no grant allows it", 1
end
never(def, "exit", "os.exit", "a session ends by returning, or by an error")
never(def, "tmpname", "os.tmpname", "a session has no temporary files; io.open writes where --allow-write=DIR allows")

function def.remove(path)
  local ok, why, code = request("file.remove", text(path, "remove", 1))
  if ok then return true end
  return nil, path .. ": " .. why, code
end

function def.rename(from, to)
  local ok, why, code = request("file.rename", text(from, "rename", 1), text(to, "rename", 2))
  if ok then return true end
  return nil, from .. ": " .. why, code
end
