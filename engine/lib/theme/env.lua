--@ alc.env
-- alc.env: the variables that the session was started with. They do not change.
local sys, alc, lib, def = ...
local type, error, tostring, setmetatable, format = type, error, tostring, setmetatable, string.format
local text = lib.text

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

setmetatable(def, {
  __index = function(_, key)
    local method = env[key]
    if method ~= nil then return method end
    if type(key) == "number" then key = tostring(key) end
    return lib.variables[key]
  end,
  __newindex = function() error("alc.env is readonly", 2) end,
  __metatable = false,
})
