-- alc.state: values that outlive a session, shared by all sessions of a home.
local type, error = type, error
local request, encode, decode = sys.request, sys.json_encode, sys.json_decode
local text = lib.text
local tonumber = tonumber

local state = {}
alc.state = state

local function namespace()
  return lib.namespace
end

function state.get(key, default)
  key = text(key, "get", 1)
  local found, json = request("state.get", namespace(), key)
  if not found then return default end
  return decode(json)
end

function state.set(key, value)
  key = text(key, "set", 1)
  request("state.set", namespace(), key, encode(value))
end

function state.has(key)
  return (request("state.has", namespace(), text(key, "has", 1)))
end

function state.keys()
  return (request("state.keys", namespace()))
end

function state.delete(key)
  return (request("state.delete", namespace(), text(key, "delete", 1)))
end

function state.set_nx(key, value)
  key = text(key, "set_nx", 1)
  return (request("state.set_nx", namespace(), key, encode(value)))
end

local function amount(v, default, i)
  if v == nil then return default end
  local n = tonumber(v)
  if n == nil then
    error("bad argument #" .. i .. " to 'incr' (number expected, got " .. type(v) .. ")", 3)
  end
  return n + 0.0
end

function state.incr(key, delta, default)
  key = text(key, "incr", 1)
  delta, default = amount(delta, 1.0, 2), amount(default, 0.0, 3)
  return (request("state.incr", namespace(), key, delta, default))
end

function state.update(key, fn, default)
  local value = fn(state.get(key, default))
  state.set(key, value)
  return value
end
