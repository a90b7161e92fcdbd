-- os, io and their like: what a script may see of the machine. Time is a recorded read; the rest
-- is refused until a grant opens it, with a message that names the grant.
local type, error, tonumber, tostring, pairs, setmetatable = type, error, tonumber, tostring, pairs, setmetatable
local format = string.format
local mathtype = math.type
local request, load = sys.request, sys.load
local ipairs = ipairs
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

-- What no grant opens raises, and says so.
local function never(t, name, full, why)
  t[name] = function() error(full .. ": " .. why, 2) end
end

-- io.open, io.lines and io.type are in the theme files.
io = {}
for _, name in ipairs { "read", "write", "input", "output", "close" } do
  never(io, name, "io." .. name, "a session has no standard streams; print goes to its log, io.open reads and writes granted files")
end
never(io, "popen", "io.popen", "a session starts no programs, and no grant allows it")
never(io, "tmpfile", "io.tmpfile", "a session has no temporary files; io.open writes where --allow-write=DIR allows")

function os.execute(command)
  if command == nil then return false end
  return nil, "os.execute: a session starts no programs, and no grant allows it", 1
end
never(os, "exit", "os.exit", "a session ends by returning, or by an error")
never(os, "tmpname", "os.tmpname", "a session has no temporary files; io.open writes where --allow-write=DIR allows")

function os.remove(path)
  local ok, why, code = request("file.remove", text(path, "remove", 1))
  if ok then return true end
  return nil, path .. ": " .. why, code
end

function os.rename(from, to)
  local ok, why, code = request("file.rename", text(from, "rename", 1), text(to, "rename", 2))
  if ok then return true end
  return nil, from .. ": " .. why, code
end

function loadfile(path, mode, env)
  path = text(path, "loadfile", 1)
  local source, why, _, grant = request("file.read", path)
  if source == nil then
    if grant then error(path .. ": " .. why, 2) end
    return nil, "cannot open " .. path .. ": " .. why
  end
  if mode == "b" then return nil, "attempt to load a text chunk (mode is 'b')" end
  if env == nil then return load(source, path) end
  return load(source, path, env)
end

function dofile(path)
  local fn, why = loadfile(path)
  if fn == nil then error(why, 2) end
  return fn()
end

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
  fs = {
    read = function(path)
      path = text(path, "read", 1)
      local data, why, code = request("file.read", path)
      if data == nil then return nil, path .. ": " .. why, code end
      return data
    end,
    is_file = function(path) return (request("file.is", text(path, "is_file", 1))) end,
  },
  time = { now = function() return alc.time() end },
}
