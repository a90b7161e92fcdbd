-- Members of alc that are loaded, a theme at a time, when one of them is first used. Until then
-- a stub stands in its place; a stub that a script has replaced stays replaced.
--
-- A theme is a chunk that gets sys, alc, lib and the table to define its members in; its globals
-- are lib.pristine. It must look up what scripts may replace (alc.llm, alc.log …) in alc when it
-- is called, not when it is loaded.
local error, next, setmetatable = error, next, setmetatable
local request, load = sys.request, sys.load

-- lib.theme loads a theme, once, and returns its members.
local made = {}
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

local function theme(name, target, members)
  local stubs, def = {}, nil

  -- member loads the theme and puts its functions where their stubs still stand.
  local function member(m)
    if def == nil then
      def = lib.theme(name)
      for i = 1, #members do
        local k = members[i]
        if target[k] == stubs[i] then target[k] = def[k] end
      end
    end
    return def[m]
  end

  -- A stub is small, for every VM has them all.
  for i = 1, #members do
    local m = members[i]
    stubs[i] = function(...) return member(m)(...) end
    target[m] = stubs[i]
  end
end

theme("text", alc, { "chunk", "fingerprint" })
theme("match", alc, { "match_enum", "match_bool" })
theme("parse", alc, { "parse_score", "parse_number", "json_extract" })
theme("format", alc, { "fmt", "log_fmt" })
theme("cache", alc, { "cache", "cache_info", "cache_clear" })
theme("calls", alc, { "ground", "specify", "llm_safe", "llm_json", "parallel", "budget_check" })
theme("collections", alc, { "map", "filter", "reduce", "vote" })
theme("flow", alc, { "tuning", "pipe" })
theme("fork", alc, { "fork" })
theme("eval", alc, { "eval" })
theme("files", io, { "open", "lines", "type" })

alc.card = {}
theme("card", alc.card, { "create", "get", "list", "append", "open", "close", "find", "alias_set", "alias_list", "get_by_alias",
  "write_samples", "read_samples", "lineage", "sink_backfill", "compare" })

-- alc.math makes its members when they are first looked up: stubs for so many would cost every
-- session more than most of them need.
local mathematics
local function member(name)
  if mathematics == nil then
    local chunk, why = load(request("theme", "math"), "alc.math", lib.pristine)
    if chunk == nil then error(why, 0) end
    local made = {}
    chunk(sys, alc, lib, made)
    mathematics = made
  end
  return mathematics.member(name)
end

alc.math = setmetatable({}, {
  __index = function(t, name)
    local f = member(name)
    t[name] = f
    return f
  end,
  __pairs = function(t)
    member("mean")
    setmetatable(t, nil)
    for name in next, mathematics.members do
      if t[name] == nil then t[name] = member(name) end
    end
    return next, t
  end,
})

package.preload.evalframe = function() return lib.theme("evalframe") end
