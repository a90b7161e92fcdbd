-- os, io and their like: what a script may see of the machine. Time is a recorded read; the rest
-- is refused until a grant opens it, with a message that names the grant.
local type, error, tonumber, tostring, pairs, setmetatable = type, error, tonumber, tostring, pairs, setmetatable
local format = string.format
local mathtype = math.type
local request = sys.request
local text, whole = lib.text, lib.whole

os = {}

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

function os.time(t)
  if t == nil then return (request("unix")) end
  if type(t) ~= "table" then error(format("bad argument #1 to 'time' (table expected, got %s)", type(t)), 2) end
  local year, month, day = field(t, "year"), field(t, "month"), field(t, "day")
  local hour, min, sec = field(t, "hour", 12), field(t, "min", 0), field(t, "sec", 0)
  local seconds, normal = request("mktime", year, month, day, hour, min, sec)
  for k, v in pairs(normal) do t[k] = v end
  return seconds
end

function os.date(fmt, t)
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

function os.clock() return (request("clock")) end

function os.difftime(a, b)
  local x, y = tonumber(a), tonumber(b)
  if x == nil or y == nil then error("bad argument to 'difftime' (number expected)", 2) end
  return x - y + 0.0
end

function os.getenv(name) return (request("getenv", text(name, "getenv", 1))) end

-- C's locale is the only one: nothing here depends on another.
function os.setlocale(locale)
  if locale == nil or locale == "" or locale == "C" or locale == "POSIX" then return "C" end
  return nil
end

local function refused(what, grant)
  return what .. ": not granted to this session (a later release opens it with " .. grant .. ")"
end

-- These fail as they do for who lacks the right: with nil and a message.
local function soft(t, name, full, grant)
  t[name] = function() return nil, refused(full, grant), 1 end
end

-- These raise, as they cannot fail in any other way.
local function hard(t, name, full, grant)
  t[name] = function() error(refused(full, grant), 2) end
end

io = {}
soft(io, "open", "io.open", "--allow-read=DIR or --allow-write=DIR")
hard(io, "lines", "io.lines", "--allow-read=DIR")
hard(io, "read", "io.read", "--allow-read=DIR")
hard(io, "write", "io.write", "--allow-write=DIR; print goes to the session's log")
hard(io, "input", "io.input", "--allow-read=DIR")
hard(io, "output", "io.output", "--allow-write=DIR")
hard(io, "popen", "io.popen", "no grant: a session starts no programs")
hard(io, "tmpfile", "io.tmpfile", "--allow-write=DIR")
hard(io, "close", "io.close", "--allow-read=DIR or --allow-write=DIR")
io.type = function() return nil end

soft(os, "execute", "os.execute", "no grant: a session starts no programs")
soft(os, "remove", "os.remove", "--allow-write=DIR")
soft(os, "rename", "os.rename", "--allow-write=DIR")
hard(os, "tmpname", "os.tmpname", "--allow-write=DIR")
hard(os, "exit", "os.exit", "no grant: a session ends by returning")

hard(_G, "dofile", "dofile", "no grant: use require")
hard(_G, "loadfile", "loadfile", "no grant: use require")

-- alc.env: the variables that the session was started with. They do not change.
local env = {}

function env.get(_, key, default)
  local v = lib.variables[text(key, "get", 2)]
  if v == nil then return default end
  return v
end

function env.use(_, keys)
  if type(keys) ~= "table" then error(format("bad argument #2 to 'use' (table expected, got %s)", keys == nil and "no value" or type(keys)), 2) end
  local some, i = {}, 1
  while keys[i] ~= nil do
    local key = text(keys[i], "use", 2)
    some[key] = lib.variables[key]
    i = i + 1
  end
  return some
end

alc.env = setmetatable({}, {
  __index = function(_, key)
    local method = env[key]
    if method ~= nil then return method end
    if type(key) == "number" then key = tostring(key) end
    return lib.variables[key]
  end,
  __newindex = function() error("alc.env is readonly", 2) end,
  __metatable = false,
})

std = {
  json = { decode = function(s) return alc.json_decode(s) end, encode = function(v) return alc.json_encode(v) end },
  fs = { is_file = function() return false end },
  time = { now = function() return alc.time() end },
}
soft(std.fs, "read", "std.fs.read", "--allow-read=DIR")
