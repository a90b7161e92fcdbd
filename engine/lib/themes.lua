-- Members of alc that are loaded, a theme at a time, when one of them is first used. Until then
-- a stub stands in its place; a stub that a script has replaced stays replaced.
--
-- A theme is a chunk that gets sys, alc, lib and the table to define its members in. It must
-- look up what scripts may replace (alc.llm, alc.log …) in alc when it is called, not when it is
-- loaded.
local error, next, setmetatable = error, next, setmetatable
local request, load = sys.request, sys.load

local function theme(name, target, members)
  local def, stubs
  for i = 1, #members do
    local m = members[i]
    local function stub(...)
      if def == nil then
        local chunk, why = load(request("theme", name), "alc." .. name)
        if chunk == nil then error(why, 0) end
        local made = {}
        chunk(sys, alc, lib, made)
        def = made
        for k, s in next, stubs do
          if target[k] == s then target[k] = def[k] end
        end
      end
      return def[m](...)
    end
    stubs = stubs or {}
    stubs[m] = stub
    target[m] = stub
  end
end

theme("text", alc, { "fingerprint", "vote" })

-- alc.math is a table of its own that fills itself when it is first looked into: stubs for so many
-- members would cost every session more than most of them need.
local function fill(members)
  local chunk, why = load(request("theme", "math"), "alc.math")
  if chunk == nil then error(why, 0) end
  local made = {}
  chunk(sys, alc, lib, made)
  setmetatable(members, nil)
  for k, f in next, made do
    if members[k] == nil then members[k] = f end
  end
end

alc.math = setmetatable({}, {
  __index = function(members, k)
    fill(members)
    return members[k]
  end,
  __pairs = function(members)
    fill(members)
    return next, members
  end,
})
