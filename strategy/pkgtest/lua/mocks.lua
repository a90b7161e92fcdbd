-- with_alc, alc_mock and alc.spy: members of alc replaced for a while. alc is looked up at each
-- call, for many specs put a table of their own in its place.
local type, error, pairs, ipairs, pcall = type, error, pairs, ipairs, pcall

local function put(overrides)
  local target, former = alc, {}
  for name, v in pairs(overrides) do
    former[#former + 1] = { name = name, value = target[name] }
    target[name] = v
  end
  return function()
    for _, member in ipairs(former) do target[member.name] = member.value end
  end
end

function with_alc(overrides, fn)
  if type(overrides) ~= "table" then error("with_alc: overrides must be a table, got " .. type(overrides), 2) end
  if type(fn) ~= "function" then error("with_alc: fn must be a function, got " .. type(fn), 2) end
  local undo = put(overrides)
  local ok, result = pcall(fn)
  undo()
  if not ok then error(result, 0) end
  return result
end

local installed = {} -- what takes back each install and spy, oldest first

alc_mock = {}

function alc_mock.install(overrides)
  if type(overrides) ~= "table" then error("alc_mock.install: overrides must be a table, got " .. type(overrides), 2) end
  installed[#installed + 1] = put(overrides)
end

function alc_mock.restore()
  local undo = installed[#installed]
  if undo then
    installed[#installed] = nil
    undo()
  end
end

function alc_mock.restore_all()
  while #installed > 0 do alc_mock.restore() end
end

function alc.spy(name, default)
  if type(name) ~= "string" then error("alc.spy: name must be a string, got " .. type(name), 2) end
  local behind = default
  if behind == nil then behind = alc[name] end
  local handle = { call_count = 0, calls = {} }
  function handle:reset() self.call_count, self.calls = 0, {} end
  installed[#installed + 1] = put { [name] = function(...)
    handle.call_count = handle.call_count + 1
    handle.calls[#handle.calls + 1] = { args = { ... } }
    if type(behind) == "function" then return behind(...) end
  end }
  return handle
end
