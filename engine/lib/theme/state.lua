--@ alc.state
-- alc.state: values that outlive a session, shared by all sessions of a home.
local sys, alc, lib, def = ...
local type, error = type, error
local request, encode, decode = sys.request, sys.json_encode, sys.json_decode
local text, options = lib.text, lib.options
local tonumber = tonumber

local state = def

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

local get, set = state.get, state.set

-- update sets a key to what fn makes of its value. When another session has changed the key since
-- fn saw it, nothing is written and fn is asked again with the new value.
function state.update(key, fn, default)
  if state.get ~= get or state.set ~= set then
    local value = fn(state.get(key, default))
    state.set(key, value)
    return value
  end
  key = text(key, "update", 1)
  local found, old = request("state.get", namespace(), key)
  while true do
    local now = default
    if found then now = decode(old) end
    local value, swapped = fn(now), nil
    swapped, found, old = request("state.swap", namespace(), key, found and old or nil, encode(value))
    if swapped then return value end
  end
end

function state.list(ns)
  return (request("state.list", text(ns, "list", 1)))
end

function state.show(ns, key)
  return decode((request("state.show", text(ns, "show", 1), text(key, "show", 2))))
end

function state.set_dispatched(ns, key, value)
  request("state.set_dispatched", text(ns, "set_dispatched", 1), text(key, "set_dispatched", 2), encode(value))
end

function state.delete_dispatched(ns, key)
  return (request("state.delete_dispatched", text(ns, "delete_dispatched", 1), text(key, "delete_dispatched", 2)))
end

-- words returns an option that is a list of texts.
local function words(list, name)
  if list == nil then return {} end
  if type(list) ~= "table" then
    error("bad argument #3 to 'reset' (" .. name .. " must be a list of strings, got " .. type(list) .. ")", 3)
  end
  local out = {}
  for i = 1, #list do out[i] = text(list[i], "reset", 3) end
  return out
end

function state.reset(ns, key, opts)
  ns, key, opts = text(ns, "reset", 1), text(key, "reset", 2), options(opts, "reset", 3)
  local backup, steps, fields = request("state.reset", ns, key, words(opts.steps, "steps"), words(opts.fields, "fields"))
  return { ok = true, backup_path = backup, steps_removed = steps, fields_removed = fields }
end
