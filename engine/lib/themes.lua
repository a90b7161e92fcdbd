-- Most of the library is loaded, a theme at a time, when a script first looks at a member of it.
--
-- A theme is a chunk that gets sys, alc, lib and the table to define its members in; its globals
-- are lib.pristine. It must look up what scripts may replace (alc.llm, alc.log …) in alc when it
-- is called, not when it is loaded. Its first line says where it belongs: "--@ alc.state" is the
-- member state of alc, the table itself; "--@ alc vote map" are two members of alc.
local error, next, rawget, rawset, select, setmetatable, type = error, next, rawget, rawset, select, setmetatable, type
local request, load = sys.request, sys.load

-- lib.theme loads a theme, once, and returns its members.
local made, given = {}, {}
function lib.theme(name)
  local def = made[name]
  if def == nil then
    local chunk, why = load(request("theme", name), "alc." .. name, lib.pristine)
    if chunk == nil then error(why, 0) end
    def = {}
    made[name] = def
    chunk(sys, alc, lib, def)
  end
  return def
end

-- give puts what a theme defines into its table, where nothing of the script's stands.
local function give(t, key, name, ...)
  if given[name] then return end
  given[name] = true
  local def, n = lib.theme(name), select("#", ...)
  if n == 0 and rawget(t, key) == nil then rawset(t, key, def) end
  for i = 1, n do
    local k = select(i, ...)
    if rawget(t, k) == nil then rawset(t, k, def[k]) end
  end
end

-- lazy makes a table that fills itself as it is looked at. What a script sets or removes stays so.
local function lazy(t, owner)
  local function found(k, name, ...)
    if name then give(t, k, name, ...) end
  end
  local function find(k)
    if type(k) == "string" then found(k, request("member", owner, k)) end
  end
  return setmetatable(t, {
    __index = function(_, k)
      find(k)
      return rawget(t, k)
    end,
    __newindex = function(_, k, v)
      find(k)
      rawset(t, k, v)
    end,
    __pairs = function()
      for _, k in next, request("members", owner) do find(k) end
      return next, t
    end,
    __metatable = false,
  })
end

lazy(alc, "alc")
os, io, std = lazy({}, "os"), lazy({}, "io"), lazy({}, "std")

function loadfile(...) return lib.theme("code").loadfile(...) end
function dofile(...) return lib.theme("code").dofile(...) end
